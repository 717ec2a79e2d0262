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
// over. The context's error, its cause and the dependency's error can be found in
// it.
func (c *Call) cancelled(over, err error) error {
	var already *policy.CancelledError
	if errors.As(err, &already) && errors.Is(err, over) {
		return err
	}
	if cause := context.Cause(c.caller); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	if !errors.Is(err, over) {
		err = fmt.Errorf("%w: %w", over, err)
	}
	return &policy.CancelledError{Err: err, Operation: c.prog.operation}
}

// asFailure returns err without what a pipeline further in says of its own
// caller's end: whoever asks is not that caller, or has ended it by a timeout of
// his own.
func asFailure(err error) error {
	if errors.Is(err, policy.ErrCancelled) {
		return ended{err}
	}
	return err
}

// ended is an error in which somebody further in saw its caller go. All else can
// be found in it, but for the context.Canceled that goes with it.
type ended struct{ err error }

func (e ended) Error() string { return e.err.Error() }

// Is matches what the error is, but for a cancellation.
func (e ended) Is(target error) bool {
	return target != policy.ErrCancelled && target != context.Canceled && errors.Is(e.err, target)
}

// As finds what is in the error, but for a CancelledError.
func (e ended) As(target any) bool {
	if _, ok := target.(**policy.CancelledError); ok {
		return false
	}
	return errors.As(e.err, target)
}
