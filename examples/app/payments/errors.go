package payments

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cladgo/clad/policy"
)

// The answers below are marked with policy.Permanent where they are made: asking
// again would not change them, so they are never retried, and they are no sign
// of a broken dependency, so no circuit breaker counts them.

// ErrNotFound says that there is no payment of that id.
var ErrNotFound = policy.Permanent(errors.New("there is no such payment"))

// ErrConflict says that a payment is not in the state that was asked for.
var ErrConflict = policy.Permanent(errors.New("the payment is in another state"))

// ErrOtherPayment says that an id stands for a payment already, another one.
var ErrOtherPayment = policy.Permanent(errors.New("the id was used for another payment; choose a new one"))

// InvalidError lists everything that is wrong with a request.
type InvalidError struct{ Mistakes []Mistake }

// Mistake is one of them.
type Mistake struct{ Field, What string }

func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Mistakes))
	for i, m := range e.Mistakes {
		texts[i] = m.Field + ": " + m.What
	}
	return "invalid request: " + strings.Join(texts, "; ")
}

// RefusedError says that we don't make payments that large.
type RefusedError struct{ Amount, Limit Amount }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("refused: %v is above the limit of %v", e.Amount, e.Limit)
}

// DeclinedError says that the bank said no.
type DeclinedError struct{ Reason string }

func (e *DeclinedError) Error() string { return "declined by the bank: " + e.Reason }
