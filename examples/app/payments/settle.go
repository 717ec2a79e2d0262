package payments

import "context"

// Settlement says what became of payments that were accepted without the bank.
type Settlement struct {
	Captured int
	Declined int // the bank said no after all: the loss is ours
	Due      int // as before, because the bank can't be asked
}

// settleAtOnce is how many payments one Settle takes on.
const settleAtOnce = 100

// Settle has the bank charge what was accepted without it, up to a hundred payments.
// It may be called at any time, also by several at once: a payment is charged under
// its own ID, so the bank takes the money once.
func (s *Service) Settle(ctx context.Context) (Settlement, error) {
	var sum Settlement
	due, err := s.ledger.Due(ctx, settleAtOnce)
	if err != nil {
		return sum, err
	}
	for _, accepted := range due {
		if ctx.Err() != nil {
			return sum, ctx.Err()
		}
		p, _ := s.charge(ctx, accepted) // whatever goes wrong, the status is what is booked
		switch p.Status {
		case Captured:
			sum.Captured++
		case Declined:
			sum.Declined++
		default:
			sum.Due++
		}
	}
	return sum, nil
}
