package payments

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/cladgo/clad/policy"
)

// Refund pays a captured payment back. Paying back is not safe to repeat, so
// the payment is claimed first: of two who want it paid back at once, one does.
//
// After an error that is not final the payment stays Refunding: whether the
// bank paid is for a human to find out. No program may try again.
func (s *Service) Refund(ctx context.Context, id string) (Payment, error) {
	captured, err := s.ledger.Find(ctx, id)
	if err != nil || captured.Status == Refunded {
		return captured, err
	}
	claimed := captured
	claimed.Status, claimed.Refund = Refunding, rand.Text()
	if err := s.move(ctx, claimed, Captured); err != nil {
		return captured, err
	}

	refused := s.gateway.Refund(ctx, Receipt{ID: captured.Receipt, Amount: captured.Amount})
	ctx = context.WithoutCancel(ctx) // what happened is booked in any case
	switch {
	case refused == nil:
		refunded := claimed
		refunded.Status = Refunded
		return refunded, s.move(ctx, refunded, Refunding)
	case notPaid(refused):
		return captured, errors.Join(refused, s.move(ctx, captured, Refunding))
	default:
		return claimed, refused
	}
}

// notPaid reports whether the bank surely did not pay back: it said no, or was
// not asked, because our own protection stopped the one attempt there is.
func notPaid(err error) bool {
	return final(err) ||
		errors.Is(err, policy.ErrCircuitOpen) ||
		errors.Is(err, policy.ErrRateLimited) ||
		errors.Is(err, policy.ErrBulkheadFull)
}
