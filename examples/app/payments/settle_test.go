package payments_test

import (
	"context"
	"errors"
	"testing"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// away is a bank that can't be asked while out is set: payments are accepted without it.
type away struct {
	bank
	out bool
}

func (a *away) Charge(ctx context.Context, req payments.ChargeRequest) (payments.Receipt, error) {
	if a.out && !req.Declined {
		return payments.Receipt{Amount: req.Amount, Due: true}, nil
	}
	return a.bank.Charge(ctx, req)
}

// A payment that was accepted without the bank is charged once, when the bank is back.
func TestAcceptedPaymentsAreSettled(t *testing.T) {
	gateway, ledger := &away{out: true}, &books{}
	s := payments.NewService(&noOrchestrator{}, gateway, ledger, brokenCache{})
	for _, id := range []string{"1", "2", "3"} {
		p, before, err := s.Pay(t.Context(), order(id, 1000, payments.Wallet))
		if err != nil || before || p.Status != payments.Accepted || p.Receipt != "" || ledger.status(id) != payments.Accepted {
			t.Fatalf("%s: %+v, %v, %v", id, p, before, err)
		}
	}
	if _, err := s.Refund(t.Context(), "1"); !errors.Is(err, payments.ErrConflict) {
		t.Errorf("what the bank does not have was paid back: %v", err)
	}
	settle := func(want payments.Settlement) {
		t.Helper()
		if got, err := s.Settle(t.Context()); err != nil || got != want {
			t.Errorf("settled %+v, %v; want %+v", got, err, want)
		}
	}
	settle(payments.Settlement{Due: 3})

	gateway.out = false
	if p, before, err := s.Pay(t.Context(), order("1", 1000, payments.Wallet)); err != nil || before || p.Status != payments.Captured {
		t.Errorf("asked again: %+v, %v, %v", p, before, err)
	}
	gateway.failures, gateway.failure = 1, policy.Answer(&payments.DeclinedError{Reason: "no money"})
	settle(payments.Settlement{Captured: 1, Declined: 1})
	settle(payments.Settlement{})
	if gateway.charged != 2000 {
		t.Errorf("charged %v", gateway.charged)
	}
}

// What goes wrong in between leaves a payment due, and the next settlement does not
// charge it twice.
func TestSettlementThatFailsIsRepeated(t *testing.T) {
	gateway, ledger := &away{out: true}, &books{}
	s := payments.NewService(&noOrchestrator{}, gateway, ledger, brokenCache{})
	if _, _, err := s.Pay(t.Context(), order("1", 1000, payments.Wallet)); err != nil {
		t.Fatal(err)
	}
	gateway.out, ledger.err = false, errors.New("disk full")
	for _, want := range []payments.Settlement{{Due: 1}, {Captured: 1}} {
		if got, err := s.Settle(t.Context()); err != nil || got != want {
			t.Errorf("settled %+v, %v; want %+v", got, err, want)
		}
	}
	if gateway.charged != 1000 {
		t.Errorf("charged %v", gateway.charged)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gateway.out = true
	if _, _, err := s.Pay(t.Context(), order("2", 1000, payments.Wallet)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Settle(ctx); !errors.Is(err, context.Canceled) || got != (payments.Settlement{}) {
		t.Errorf("cancelled: %+v, %v", got, err)
	}
}

// The bank has declined it, and then can't be asked: no reason to accept it.
func TestDeclinedPaymentIsNotAcceptedWithoutTheBank(t *testing.T) {
	gateway := &away{bank: bank{failures: 1, failure: policy.Answer(&payments.DeclinedError{Reason: "no money"})}}
	s := payments.NewService(&noOrchestrator{}, gateway, &books{}, brokenCache{})
	if p, _, err := s.Pay(t.Context(), order("1", 1000, payments.Wallet)); err == nil || p.Status != payments.Declined {
		t.Fatalf("%+v, %v", p, err)
	}
	gateway.out = true
	if p, _, err := s.Pay(t.Context(), order("1", 1000, payments.Wallet)); err != nil || p.Status != payments.Captured {
		t.Errorf("the gateway was not told that it was declined: %+v, %v", p, err)
	}
}

// meanwhile is a gateway that lets somebody else pay while it asks the bank.
type meanwhile struct {
	away
	others func()
}

func (m *meanwhile) Charge(ctx context.Context, req payments.ChargeRequest) (payments.Receipt, error) {
	receipt, err := m.away.Charge(ctx, req)
	if others := m.others; others != nil {
		m.others = nil
		others()
	}
	return receipt, err
}

// Of two who ask for the same payment at once, the slower one was told of a conflict.
func TestTwoAtOnceAreOnePayment(t *testing.T) {
	for name, first := range map[string]bool{"accepted, then captured": true, "captured, then accepted": false} {
		t.Run(name, func(t *testing.T) {
			gateway, ledger := &meanwhile{}, &books{}
			s := payments.NewService(&noOrchestrator{}, gateway, ledger, brokenCache{})
			pay := func() (payments.Payment, error) {
				p, _, err := s.Pay(t.Context(), order("1", 1000, payments.Wallet))
				return p, err
			}
			gateway.out = first
			gateway.others = func() {
				gateway.out = !first
				if _, err := pay(); err != nil {
					t.Error(err)
				}
			}
			p, err := pay()
			if err != nil || p.Status != ledger.status("1") {
				t.Errorf("%+v, %v; booked as %s", p, err, ledger.status("1"))
			}
		})
	}
}
