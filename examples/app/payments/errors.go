package payments

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cladgo/clad/policy"
)

// What the errors below mean is marked where they are made. An answer (policy.Answer)
// is what a dependency says that works: a success to its circuit breaker. A refusal
// (policy.Permanent) is our own, and says nothing of any dependency. Asking again would
// change neither, so they are never retried.

// ErrNotFound is the ledger's answer that there is no payment of that id.
var ErrNotFound = policy.Answer(errors.New("there is no such payment"))

// ErrConflict is the ledger's answer that a payment is not in the state that was asked
// for.
var ErrConflict = policy.Answer(errors.New("the payment is in another state"))

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

// DeclinedError is the bank's answer that it does not take the money.
type DeclinedError struct{ Reason string }

func (e *DeclinedError) Error() string { return "declined by the bank: " + e.Reason }

// final reports whether asking again would not change err.
func final(err error) bool { return policy.IsAnswer(err) || policy.IsPermanent(err) }
