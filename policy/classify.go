package policy

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"
)

// IsRetryable reports whether another attempt may help. It is false for nil, an
// open circuit, exhausted retries, cancellation by the caller
// (context.Canceled included), [Answer], [Permanent], and any error whose method
// Retryable() bool or Verdict() [Verdict] says so; true for the rest: timeouts, rate limits,
// full bulkheads, infrastructure and plain errors. Of several errors in one, a single no is
// enough.
func IsRetryable(err error) bool {
	if err == nil {
		return false
	}
	var v verdict
	return !v.no(err) && (!v.cancelled || v.timedOut)
}

// verdict is what the errors of a tree say of another attempt, found in one walk.
type verdict struct{ cancelled, timedOut bool }

// no reports whether an error in err's tree says no, whatever the others say.
func (v *verdict) no(err error) bool {
	if err == nil {
		return false
	}
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case *sentinel:
		v.timedOut = v.timedOut || err == ErrTimeout //nolint:errorlint // as above
		return e.never
	case interface{ Retryable() bool }:
		if !e.Retryable() {
			return true
		}
	}
	if err == context.Canceled { //nolint:errorlint // as above
		v.cancelled = true
	}
	if mute(err) {
		return false
	}
	if e, ok := err.(interface{ Verdict() Verdict }); ok {
		if v := e.Verdict(); v == Answered || v == Refused {
			return true
		}
	}
	if e, ok := err.(interface{ Is(error) bool }); ok {
		v.cancelled = v.cancelled || e.Is(context.Canceled)
		v.timedOut = v.timedOut || e.Is(ErrTimeout)
		if e.Is(ErrCircuitOpen) || e.Is(ErrRetriesExhausted) || e.Is(ErrCancelled) {
			return true
		}
	}
	return anyBelow(err, v.no)
}

// IsServiceUnavailable reports whether err means that the dependency can't
// serve now: an open circuit, a rate limit, a full bulkhead, a timeout, exhausted
// retries or an [*InfrastructureError]. It is false when the caller gave up, for
// [Answer] and for [Permanent].
func IsServiceUnavailable(err error) bool {
	if v := verdictOf(err); v == Answered || v == Refused || errors.Is(err, ErrCancelled) {
		return false
	}
	for _, target := range []error{ErrCircuitOpen, ErrRateLimited, ErrBulkheadFull, ErrTimeout, ErrRetriesExhausted} {
		if errors.Is(err, target) {
			return true
		}
	}
	var infrastructure *InfrastructureError
	return errors.As(err, &infrastructure)
}

// RetryAfter finds how long to wait before calling again: the RetryAfter of a
// [*CircuitOpenError], [*RateLimitedError] or [*BulkheadFullError], or what the method
// RetryAfter() time.Duration of any error in err's tree says; the first that
// says more than zero. It is false where none does.
func RetryAfter(err error) (time.Duration, bool) {
	if mute(err) {
		return 0, false
	}
	var after time.Duration
	found := anyOf(err, func(err error) bool {
		switch e := err.(type) { //nolint:errorlint // anyOf walks the tree
		case *CircuitOpenError:
			after = e.RetryAfter
		case *RateLimitedError:
			after = e.RetryAfter
		case *BulkheadFullError:
			after = e.RetryAfter
		case interface{ RetryAfter() time.Duration }:
			after = e.RetryAfter()
		}
		return after > 0
	})
	return max(0, after), found
}

// anyOf reports whether match holds for any error in err's tree, in the order
// of errors.Is.
func anyOf(err error, match func(error) bool) bool {
	return err != nil && (match(err) || anyBelow(err, func(err error) bool { return anyOf(err, match) }))
}

// anyBelow reports whether match holds for any of the errors that err wraps.
func anyBelow(err error, match func(error) bool) bool {
	switch e := err.(type) { //nolint:errorlint // this is the walk
	case interface{ Unwrap() error }:
		return match(e.Unwrap())
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), match)
	}
	return false
}

// mute reports whether err is what errors.New makes: it wraps nothing, and has
// no methods to be asked. Most trees end in one, and to find out what an error is
// not costs more than all else here.
func mute(err error) bool { return reflect.TypeOf(err) == typeOfMute }

var typeOfMute = reflect.TypeOf(errors.New(""))
