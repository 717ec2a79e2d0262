package payments

import (
	"context"
	"errors"

	"github.com/cladgo/clad/policy"
)

// Service makes payments. It is safe for use by many goroutines.
type Service struct {
	orchestrator policy.Orchestrator
	gateway      Gateway
	ledger       Ledger
	cache        Cache
}

// NewService returns a service. That gateway, ledger and cache come wrapped in
// policies does not show here.
func NewService(o policy.Orchestrator, g Gateway, l Ledger, c Cache) *Service {
	return &Service{o, g, l, c}
}

// Pay makes a payment, or returns the one that was made under the same ID;
// before tells which. After an error that is neither an answer nor a refusal (see
// policy.Verdict) nobody knows whether the bank took the money; asking again with the
// same ID finds out, and settles it.
func (s *Service) Pay(ctx context.Context, p Payment) (paid Payment, before bool, err error) {
	if err := p.Validate(); err != nil {
		return Payment{}, false, err
	}
	p.Status = Pending
	booked, err := s.ledger.Open(ctx, p)
	switch {
	case err != nil:
		return Payment{}, false, err
	case !booked.sameOrder(p):
		return Payment{}, false, ErrOtherPayment
	case booked.Status == Pending, booked.Status == Accepted, booked.Status == Declined:
		paid, err = s.charge(ctx, booked)
		return paid, false, err
	default:
		return booked, true, nil
	}
}

func (s *Service) charge(ctx context.Context, booked Payment) (Payment, error) {
	p := booked
	receipt, refused := policy.Execute(ctx, s.orchestrator, NewPaymentProcessor(booked, s.gateway))
	switch {
	case refused == nil && receipt.Due:
		p.Status = Accepted
	case refused == nil:
		p.Status, p.Receipt = Captured, receipt.ID
	case final(refused):
		p.Status = Declined
	default:
		return booked, refused // stays as it is: nobody knows
	}
	// What the bank has done is booked even if the customer has hung up.
	ctx = context.WithoutCancel(ctx)
	switch err := s.move(ctx, p, booked.Status); {
	case errors.Is(err, ErrConflict): // whoever asked for it as well was faster
		return s.ledger.Find(ctx, p.ID)
	case err != nil:
		return booked, err
	}
	return p, refused
}

// Find returns a payment, from the cache if it is there. A cache that fails
// costs time, not the answer.
func (s *Service) Find(ctx context.Context, id string) (Payment, error) {
	if p, err := s.cache.Get(ctx, id); err == nil {
		return p, nil
	}
	p, err := s.ledger.Find(ctx, id)
	if err == nil {
		_ = s.cache.Put(ctx, p)
	}
	return p, err
}

// move books a new state, and forgets what the cache holds of the old one.
func (s *Service) move(ctx context.Context, p Payment, from Status) error {
	if err := s.ledger.Move(ctx, p, from); err != nil {
		return err
	}
	_ = s.cache.Forget(ctx, p.ID)
	return nil
}
