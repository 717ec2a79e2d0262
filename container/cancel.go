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
	if errors.As(err, &already) {
		return err
	}
	if !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return &policy.CancelledError{Err: err, Operation: operation}
}
