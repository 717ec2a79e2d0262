package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What stopped an operation, for [errors.Is]. The types below carry the details.
var (
	ErrCircuitOpen      error = &sentinel{"circuit open", true}
	ErrRateLimited      error = &sentinel{"rate limited", false}
	ErrBulkheadFull     error = &sentinel{"bulkhead full", false}
	ErrTimeout          error = &sentinel{"timed out", false}
	ErrRetriesExhausted error = &sentinel{"retries exhausted", true}
	ErrCancelled        error = &sentinel{"cancelled by the caller", true}
)

// sentinel has a type of its own so that a walk knows one when it sees it.
type sentinel struct {
	text  string
	never bool // to be retried
}

func (s *sentinel) Error() string { return s.text }

// CircuitOpenError says that a circuit breaker refused the call. The dependency
// was not called.
type CircuitOpenError struct {
	// Name is the breaker's.
	Name string
	// RetryAfter is the time to the next probe; 0 where nobody knows, as with
	// a breaker that was forced open.
	RetryAfter time.Duration
	// Err is what the attempt before ended with, where a retry met the open
	// circuit; else nil.
	Err error
	// Operation is the id of the operation that was stopped.
	Operation string
}

func (e *CircuitOpenError) Error() string {
	return message(e.Operation, fmt.Sprintf("circuit breaker %q is open%s", e.Name, retryIn(e.RetryAfter)), before(e.Err))
}

// Is matches ErrCircuitOpen.
func (e *CircuitOpenError) Is(target error) bool { return target == ErrCircuitOpen }

// Unwrap returns Err.
func (e *CircuitOpenError) Unwrap() error { return e.Err }

// RateLimitedError says that a rate limiter refused the call. The dependency
// was not called.
type RateLimitedError struct {
	// Name is the limiter's.
	Name string
	// RetryAfter is the time to the next token.
	RetryAfter time.Duration
	// Err is what the attempt before ended with, where a retry met the limit;
	// else nil.
	Err error
	// Operation is the id of the operation that was stopped.
	Operation string
}

func (e *RateLimitedError) Error() string {
	return message(e.Operation, fmt.Sprintf("rate limiter %q has no token left%s", e.Name, retryIn(e.RetryAfter)), before(e.Err))
}

// Is matches ErrRateLimited.
func (e *RateLimitedError) Is(target error) bool { return target == ErrRateLimited }

// Unwrap returns Err.
func (e *RateLimitedError) Unwrap() error { return e.Err }

// BulkheadFullError says that a [Bulkhead] refused the call. The dependency was not
// called.
type BulkheadFullError struct {
	// Name is the bulkhead's.
	Name string
	// RetryAfter is how long it took of late until another permit was free; 0 where
	// that has not been seen yet.
	RetryAfter time.Duration
	// Err is what the attempt before ended with, where a retry met the full
	// bulkhead; else nil.
	Err error
	// Operation is the id of the operation that was stopped.
	Operation string
}

func (e *BulkheadFullError) Error() string {
	return message(e.Operation, fmt.Sprintf("bulkhead %q is full%s", e.Name, retryIn(e.RetryAfter)), before(e.Err))
}

// Is matches ErrBulkheadFull.
func (e *BulkheadFullError) Is(target error) bool { return target == ErrBulkheadFull }

// Unwrap returns Err.
func (e *BulkheadFullError) Unwrap() error { return e.Err }

// TimeoutError says that a [Timeout] of ours passed before the call succeeded.
// It is also context.DeadlineExceeded.
type TimeoutError struct {
	// After is the timeout that passed.
	After time.Duration
	// Err is what the dependency returned when its context ended.
	Err error
	// Operation is the id of the operation that was stopped.
	Operation string
}

func (e *TimeoutError) Error() string {
	return message(e.Operation, "timed out after "+e.After.String(), e.Err)
}

// Is matches ErrTimeout and context.DeadlineExceeded.
func (e *TimeoutError) Is(target error) bool {
	return target == ErrTimeout || target == context.DeadlineExceeded
}

// Unwrap returns Err.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Timeout reports true, as net.Error has it.
func (e *TimeoutError) Timeout() bool { return true }

// Temporary reports true, as net.Error has it.
func (e *TimeoutError) Temporary() bool { return true }

// RetriesExhaustedError says that a [Retry] gave up on a retryable error:
// no attempt was left, no time for one, or no budget.
type RetriesExhaustedError struct {
	// Attempts is how many were made.
	Attempts int
	// Elapsed is how long they took, back-offs included. It runs from the
	// start of the call where the policy reads the clock there (it has a
	// MaxElapsed, a timeout or a rate limit outside the retry), and else from
	// the end of the first attempt, so that a success reads no clock. It is 0,
	// not measured, where nothing needed timing at all: no such layer, no wait
	// between the attempts and no deadline of the caller's.
	Elapsed time.Duration
	// Budget is that of the retry, where it was used up: more attempts were left.
	// Else it is 0.
	Budget float64
	// Err is the error of the last attempt.
	Err error
	// Operation is the id of the operation that was stopped.
	Operation string
}

func (e *RetriesExhaustedError) Error() string {
	attempts := "attempts"
	if e.Attempts == 1 {
		attempts = "attempt"
	}
	what := fmt.Sprintf("gave up after %d %s", e.Attempts, attempts)
	if e.Elapsed > 0 {
		what += fmt.Sprintf(" in %v", e.Elapsed)
	}
	if e.Budget > 0 {
		what += fmt.Sprintf(", as the retry budget (%s of the operations) is used up", percent(e.Budget))
	}
	return message(e.Operation, what, e.Err)
}

// Is matches ErrRetriesExhausted.
func (e *RetriesExhaustedError) Is(target error) bool { return target == ErrRetriesExhausted }

// Unwrap returns Err.
func (e *RetriesExhaustedError) Unwrap() error { return e.Err }

// Timeout reports whether Err is a timeout, to those who ask by net.Error or
// os.IsTimeout, which do not look further in.
func (e *RetriesExhaustedError) Timeout() bool { return timedOut(e.Err) }

// Temporary is Timeout, as net.Error has it.
func (e *RetriesExhaustedError) Temporary() bool { return e.Timeout() }

// CancelledError says that the caller's own context ended first: it was
// cancelled, or its deadline passed.
type CancelledError struct {
	// Err holds the context's error, context.Canceled or
	// context.DeadlineExceeded, its cause where it has one (see
	// context.Cause), and what the dependency returned.
	Err error
	// Operation is the id of the operation that was stopped.
	Operation string
}

func (e *CancelledError) Error() string {
	return message(e.Operation, ErrCancelled.Error(), e.Err)
}

// Is matches ErrCancelled.
func (e *CancelledError) Is(target error) bool { return target == ErrCancelled }

// Unwrap returns Err.
func (e *CancelledError) Unwrap() error { return e.Err }

// Timeout reports whether it was a deadline that passed, to those who ask by
// net.Error or os.IsTimeout, which do not look further in.
func (e *CancelledError) Timeout() bool { return errors.Is(e.Err, context.DeadlineExceeded) }

// Temporary is Timeout, as net.Error has it.
func (e *CancelledError) Temporary() bool { return e.Timeout() }

// InfrastructureError is for adapters: it wraps a technical failure of a
// dependency (a lost connection, a malformed answer) in words of the domain.
type InfrastructureError struct {
	Message string
	Err     error
}

func (e *InfrastructureError) Error() string {
	return message("", e.Message, e.Err)
}

// Unwrap returns Err.
func (e *InfrastructureError) Unwrap() error { return e.Err }

// message joins what is there of "operation: what: cause".
func message(operation, what string, cause error) string {
	var b strings.Builder
	if operation != "" {
		b.WriteString(operation)
		b.WriteString(": ")
	}
	b.WriteString(what)
	if cause != nil {
		b.WriteString(": ")
		b.WriteString(cause.Error())
	}
	return b.String()
}

// timedOut reports whether an error in err's tree calls itself a timeout.
func timedOut(err error) bool {
	return anyOf(err, func(err error) bool {
		e, ok := err.(interface{ Timeout() bool })
		return ok && e.Timeout()
	})
}

// before tells of the attempt before the one that was refused.
func before(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the attempt before: %w", err)
}

func retryIn(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", retry in " + d.String()
}
