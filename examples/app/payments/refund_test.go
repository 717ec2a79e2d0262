package payments_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

func paidService(t *testing.T, o policy.Orchestrator) (*payments.Service, *bank, *books) {
	t.Helper()
	gateway, ledger := &bank{}, &books{}
	s := payments.NewService(o, gateway, ledger, brokenCache{})
	if _, _, err := s.Pay(t.Context(), order("1", 5000, payments.Wallet)); err != nil {
		t.Fatal(err)
	}
	return s, gateway, ledger
}

func TestRefund(t *testing.T) {
	s, gateway, ledger := paidService(t, &noOrchestrator{})
	for range 2 { // the second time it is done already
		if p, err := s.Refund(t.Context(), "1"); err != nil || p.Status != payments.Refunded {
			t.Fatalf("got %+v, %v", p, err)
		}
	}
	if gateway.back != 5000 || ledger.status("1") != payments.Refunded {
		t.Errorf("paid back %v; booked as %s", gateway.back, ledger.status("1"))
	}
	if _, err := s.Refund(t.Context(), "2"); !errors.Is(err, payments.ErrNotFound) {
		t.Errorf("of no payment: %v", err)
	}
}

func TestRefundThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		failure error
		status  payments.Status
	}{
		"the bank says no":       {policy.Answer(&payments.DeclinedError{Reason: "too late"}), payments.Captured},
		"the breaker is open":    {&policy.CircuitOpenError{Name: "b"}, payments.Captured},
		"the limiter is dry":     {&policy.RateLimitedError{Name: "l"}, payments.Captured},
		"nobody knows":           {errors.New("connection reset"), payments.Refunding},
		"nobody knows: too slow": {&policy.TimeoutError{After: 1}, payments.Refunding},
	} {
		t.Run(name, func(t *testing.T) {
			s, gateway, ledger := paidService(t, &noOrchestrator{})
			gateway.failures, gateway.failure = 1, test.failure
			if _, err := s.Refund(t.Context(), "1"); !errors.Is(err, test.failure) {
				t.Fatalf("got %v", err)
			}
			if got := ledger.status("1"); got != test.status {
				t.Fatalf("booked as %s; want %s", got, test.status)
			}
			asked := gateway.asked
			_, err := s.Refund(t.Context(), "1")
			if test.status == payments.Captured && err != nil {
				t.Errorf("again: %v", err)
			}
			if test.status == payments.Refunding && (!errors.Is(err, payments.ErrConflict) || gateway.asked != asked) {
				t.Errorf("again: %v; the bank was asked %d times more; a human must look first", err, gateway.asked-asked)
			}
		})
	}
}

// Two who want the same payment back at once must not both get it.
func TestRefundsAtOncePayOnce(t *testing.T) {
	s, gateway, _ := paidService(t, &noOrchestrator{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.Refund(t.Context(), "1"); err != nil && !errors.Is(err, payments.ErrConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if gateway.paid != 1 || gateway.back != 5000 {
		t.Errorf("paid back %d times, %v", gateway.paid, gateway.back)
	}
}
