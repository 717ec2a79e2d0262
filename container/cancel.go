package container

import (
	"context"
	"errors"
	"fmt"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// callerOver returns why the caller's own context is over, or nil. A deadline
// counts from the moment it passes: callees that hand it to the operating
// system hear of it before the context's own timer has fired.
func (c *Call) callerOver() error {
	if err := c.caller.Err(); err != nil {
		return err
	}
	if deadline, ok := c.caller.Deadline(); ok && clock.At(deadline) <= clock.Now() {
		return context.DeadlineExceeded
	}
	return nil
}

// cancelled wraps what an operation ended with after its caller's context was
// over. Both the context's error and the dependency's can be found in it.
func cancelled(operation string, over, err error) error {
	var already *policy.CancelledError
	if errors.As(err, &already) && errors.Is(err, over) {
		return err
	}
	if !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return &policy.CancelledError{Err: err, Operation: operation}
}

// ended is what a dependency returned when a timeout of ours ended its context. If
// it guards its own calls, it saw its caller go; but that was us, so here it
// counts as no cancellation. All else can be found in it.
type ended struct{ err error }

func (e ended) Error() string { return e.err.Error() }

// Is matches what the error is, but for ErrCancelled.
func (e ended) Is(target error) bool {
	return target != policy.ErrCancelled && errors.Is(e.err, target)
}

// As finds what is in the error, but for a CancelledError.
func (e ended) As(target any) bool {
	if _, ok := target.(**policy.CancelledError); ok {
		return false
	}
	return errors.As(e.err, target)
}
