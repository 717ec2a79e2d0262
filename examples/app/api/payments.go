package api

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"

	"github.com/cladgo/clad/examples/app/jsonio"
	"github.com/cladgo/clad/examples/app/payments"
)

// payment is how a payment is shown.
type payment struct {
	ID       string          `json:"id"`
	Status   payments.Status `json:"status"`
	Amount   payments.Amount `json:"amount"`
	Currency string          `json:"currency"`
	Method   payments.Method `json:"method"`
	Receipt  string          `json:"receipt,omitempty"`
}

func show(p payments.Payment) payment {
	return payment{p.ID, p.Status, p.Amount, p.Currency, p.Method, p.Receipt}
}

// pay answers 201 to a new payment, 202 to one that the bank is to be charged for yet,
// and 200 to one that was made before.
func (a *API) pay(w http.ResponseWriter, r *http.Request) (work, error) {
	p := payments.Payment{ID: r.Header.Get("Idempotency-Key")}
	if p.ID == "" {
		p.ID = rand.Text()
	}
	w.Header().Set("Idempotency-Key", p.ID) // to ask again with, however this ends
	malformed := jsonio.Read(w, r, jsonio.Fields{"amount": &p.Amount, "currency": &p.Currency, "method": &p.Method})
	if err := allMistakes(malformed, p.Validate()); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (answer, error) {
		paid, before, err := a.service.Pay(ctx, p)
		status := http.StatusCreated
		switch {
		case before:
			status = http.StatusOK
		case paid.Status == payments.Accepted:
			status = http.StatusAccepted
		}
		return answer{status, show(paid)}, err
	}, nil
}

func (a *API) find(_ http.ResponseWriter, r *http.Request) (work, error) {
	return func(ctx context.Context) (answer, error) {
		p, err := a.service.Find(ctx, r.PathValue("id"))
		return answer{http.StatusOK, show(p)}, err
	}, nil
}

func (a *API) refund(_ http.ResponseWriter, r *http.Request) (work, error) {
	return func(ctx context.Context) (answer, error) {
		p, err := a.service.Refund(ctx, r.PathValue("id"))
		return answer{http.StatusOK, show(p)}, err
	}, nil
}

// settlement is how a payments.Settlement is shown.
type settlement struct {
	Captured int `json:"captured"`
	Declined int `json:"declined"`
	Due      int `json:"due"`
}

func (a *API) settle(http.ResponseWriter, *http.Request) (work, error) {
	return func(ctx context.Context) (answer, error) {
		s, err := a.service.Settle(ctx)
		return answer{http.StatusOK, settlement(s)}, err
	}, nil
}

// allMistakes joins what is wrong with the JSON and with what it says. What
// could not be read is not blamed for its zero value as well.
func allMistakes(malformed, invalid error) error {
	body, ok := errors.AsType[*jsonio.MistakesError](malformed)
	if !ok {
		return invalid
	}
	all := &payments.InvalidError{}
	unread := false
	for _, m := range body.Mistakes {
		all.Mistakes = append(all.Mistakes, payments.Mistake(m))
		unread = unread || m.Field == ""
	}
	if said, ok := errors.AsType[*payments.InvalidError](invalid); ok && !unread {
		for _, m := range said.Mistakes {
			told := func(other payments.Mistake) bool { return other.Field == m.Field }
			if !slices.ContainsFunc(all.Mistakes, told) {
				all.Mistakes = append(all.Mistakes, m)
			}
		}
	}
	return all
}
