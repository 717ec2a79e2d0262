// Package standin answers in the place of a bank that can't be asked, as the card
// schemes' stand-in processing does: small payments are accepted without the bank's
// word, and charged later. What it accepts it need not remember: the ledger does.
package standin

import (
	"context"
	"errors"
	"fmt"

	"github.com/cladgo/clad/examples/app/payments"
)

// Gateway is a payments.Gateway without a bank. It is safe for use by many goroutines.
type Gateway struct{}

var _ payments.Gateway = Gateway{}

// New returns a stand-in. It is given to container.Fallback.
func New() Gateway { return Gateway{} }

// Charge accepts what is not above payments.FloorLimit, unless the bank has refused it
// before. An error leaves it at what kept the bank from being asked.
func (Gateway) Charge(_ context.Context, req payments.ChargeRequest) (payments.Receipt, error) {
	switch {
	case req.Amount > payments.FloorLimit:
		return payments.Receipt{}, fmt.Errorf("%v is above the floor limit of %v, so only the bank can accept it", req.Amount, payments.FloorLimit)
	case req.Declined:
		return payments.Receipt{}, errors.New("the bank has declined it before, so only the bank can accept it")
	}
	return payments.Receipt{Amount: req.Amount, Due: true}, nil
}

// Refund pays nothing back: it would be a second refund where the bank has made one
// whose answer got lost, and nobody could tell.
func (Gateway) Refund(context.Context, payments.Receipt) error {
	return errors.New("only the bank can pay back")
}
