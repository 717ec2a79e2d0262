package policy

import (
	"context"
	"errors"
	"time"
)

// Permanent marks err as an answer: the dependency worked, and said no (the
// amount is too high, there is no such customer). It is not retried and not a
// failure to a circuit breaker. The result prints as err and unwraps to it;
// Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string   { return e.err.Error() }
func (e *permanentError) Unwrap() error   { return e.err }
func (e *permanentError) Retryable() bool { return false }

// IsPermanent reports whether err was marked with [Permanent].
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// IsRetryable reports whether another attempt may help. It is false for nil, an
// open circuit, exhausted retries, cancellation by the caller
// (context.Canceled included), [Permanent], and any error whose method
// Retryable() bool says so; true for the rest: timeouts, rate limits,
// infrastructure and plain errors.
func IsRetryable(err error) bool {
	switch {
	case err == nil,
		errors.Is(err, ErrCircuitOpen),
		errors.Is(err, ErrRetriesExhausted),
		errors.Is(err, ErrCancelled),
		errors.Is(err, context.Canceled):
		return false
	}
	var r interface{ Retryable() bool }
	if errors.As(err, &r) {
		return r.Retryable()
	}
	return true
}

// IsServiceUnavailable reports whether err means that the dependency can't
// serve now: an open circuit, a rate limit, a timeout, exhausted retries or an
// [*InfrastructureError]. It is false when the caller gave up and for
// [Permanent].
func IsServiceUnavailable(err error) bool {
	if errors.Is(err, ErrCancelled) || IsPermanent(err) {
		return false
	}
	for _, target := range []error{ErrCircuitOpen, ErrRateLimited, ErrTimeout, ErrRetriesExhausted} {
		if errors.Is(err, target) {
			return true
		}
	}
	var infrastructure *InfrastructureError
	return errors.As(err, &infrastructure)
}

// RetryAfter finds how long to wait before calling again: the RetryAfter of a
// [*CircuitOpenError] or [*RateLimitedError], or what the method
// RetryAfter() time.Duration of any error in err's tree says. It is false where
// none says more than zero.
func RetryAfter(err error) (time.Duration, bool) {
	var (
		open    *CircuitOpenError
		limited *RateLimitedError
		says    interface{ RetryAfter() time.Duration }
		d       time.Duration
	)
	switch {
	case errors.As(err, &open):
		d = open.RetryAfter
	case errors.As(err, &limited):
		d = limited.RetryAfter
	case errors.As(err, &says):
		d = says.RetryAfter()
	}
	return max(0, d), d > 0
}
