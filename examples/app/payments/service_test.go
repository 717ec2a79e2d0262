package payments_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// The pattern for a test of the domain in isolation: nothing of clad is there
// but the contracts.
func TestPay(t *testing.T) {
	o, gateway, ledger := &noOrchestrator{}, &bank{}, &books{}
	s := payments.NewService(o, gateway, ledger, brokenCache{})

	paid, before, err := s.Pay(t.Context(), order("1", 5000, payments.CreditCard))
	if err != nil || before || paid.Status != payments.Captured || paid.Receipt != "receipt of 1" {
		t.Fatalf("got %+v, %v, %v", paid, before, err)
	}
	if got := slices.Collect(maps.Keys(o.declared)); !slices.Equal(got, []string{"payments.charge.credit_card"}) {
		t.Errorf("declared %v", got)
	}

	again, before, err := s.Pay(t.Context(), order("1", 5000, payments.CreditCard))
	if err != nil || !before || again != paid || gateway.asked != 1 {
		t.Errorf("the same again: %+v, %v, %v; asked %d times", again, before, err, gateway.asked)
	}

	_, _, err = s.Pay(t.Context(), order("1", 6000, payments.CreditCard))
	if !errors.Is(err, payments.ErrOtherPayment) || !policy.IsPermanent(err) {
		t.Errorf("another payment under the same id: %v", err)
	}

	if found, err := s.Find(t.Context(), "1"); err != nil || found != paid {
		t.Errorf("found %+v, %v", found, err)
	}
}

func TestInvalidPaymentsTellAllMistakesAtOnce(t *testing.T) {
	s := payments.NewService(&noOrchestrator{}, &bank{}, &books{}, brokenCache{})
	_, _, err := s.Pay(t.Context(), payments.Payment{ID: "a b", Amount: -1, Currency: "Euro", Method: "cheque"})
	var invalid *payments.InvalidError
	if !errors.As(err, &invalid) || !policy.IsPermanent(err) {
		t.Fatalf("got %v", err)
	}
	var fields []string
	for _, m := range invalid.Mistakes {
		fields = append(fields, m.Field)
	}
	if want := []string{"id", "amount", "currency", "method"}; !slices.Equal(fields, want) {
		t.Errorf("mistakes in %v; want %v", fields, want)
	}
}

func TestRefusalIsBookedAndMayBeTriedAgain(t *testing.T) {
	gateway := &bank{failures: 1, failure: policy.Answer(&payments.DeclinedError{Reason: "no money"})}
	ledger := &books{}
	s := payments.NewService(&noOrchestrator{}, gateway, ledger, brokenCache{})
	_, _, err := s.Pay(t.Context(), order("1", 5000, payments.Wallet))
	var declined *payments.DeclinedError
	if !errors.As(err, &declined) || ledger.status("1") != payments.Declined {
		t.Fatalf("got %v; booked as %s", err, ledger.status("1"))
	}
	if p, _, err := s.Pay(t.Context(), order("1", 5000, payments.Wallet)); err != nil || p.Status != payments.Captured {
		t.Errorf("again: %+v, %v", p, err)
	}
}

// Nobody knows whether the bank took the money. The payment stays pending, and
// asking again with the same id settles it without charging twice.
func TestUnclearPaymentIsSettledByAskingAgain(t *testing.T) {
	for name, arrange := range map[string]func(*bank, *books){
		"the bank's answer is lost": func(b *bank, _ *books) { b.failures, b.failure, b.lost = 1, errors.New("EOF"), true },
		"the ledger fails after":    func(_ *bank, l *books) { l.err = errors.New("disk full") },
	} {
		t.Run(name, func(t *testing.T) {
			gateway, ledger := &bank{}, &books{}
			arrange(gateway, ledger)
			s := payments.NewService(&noOrchestrator{}, gateway, ledger, brokenCache{})
			if _, _, err := s.Pay(t.Context(), order("1", 5000, payments.Wallet)); err == nil || ledger.status("1") != payments.Pending {
				t.Fatalf("got %v; booked as %s", err, ledger.status("1"))
			}
			p, before, err := s.Pay(t.Context(), order("1", 5000, payments.Wallet))
			if err != nil || before || p.Status != payments.Captured || gateway.charged != 5000 {
				t.Errorf("again: %+v, %v, %v; charged %v", p, before, err, gateway.charged)
			}
		})
	}
}

// hangUp is a gateway whose customer hangs up while the bank takes the money.
type hangUp struct {
	bank
	cancel context.CancelFunc
}

func (h *hangUp) Charge(ctx context.Context, req payments.ChargeRequest) (payments.Receipt, error) {
	h.cancel()
	return h.bank.Charge(ctx, req)
}

// What the bank has done must not be forgotten because the customer hung up.
func TestChargeIsBookedThoughTheCustomerHangsUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ledger := &books{}
	s := payments.NewService(&noOrchestrator{}, &hangUp{cancel: cancel}, ledger, brokenCache{})
	if _, _, err := s.Pay(ctx, order("1", 5000, payments.Wallet)); err != nil || ledger.status("1") != payments.Captured {
		t.Errorf("got %v; booked as %s", err, ledger.status("1"))
	}
}
