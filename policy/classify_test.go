package policy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// opinion is a dependency's error that says itself whether to try again, and when.
type opinion struct {
	retryable bool
	after     time.Duration
	cause     error
}

func (o opinion) Error() string   { return "opinion" }
func (o opinion) Retryable() bool { return o.retryable }
func (o opinion) Unwrap() error   { return o.cause }

type later time.Duration

func (l later) Error() string             { return "come back later" }
func (l later) RetryAfter() time.Duration { return time.Duration(l) }

func TestIsRetryable(t *testing.T) {
	plain := errors.New("connection reset")
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"plain", plain, true},
		{"timeout of ours", &policy.TimeoutError{Err: plain}, true},
		{"deadline of the dependency's own", context.DeadlineExceeded, true},
		{"rate limited", &policy.RateLimitedError{}, true},
		{"infrastructure", &policy.InfrastructureError{Err: plain}, true},
		{"says when to come back", later(time.Second), true},

		{"open circuit", &policy.CircuitOpenError{}, false},
		{"exhausted retries", &policy.RetriesExhaustedError{Err: plain}, false},
		{"caller cancelled", &policy.CancelledError{Err: context.Canceled}, false},
		{"caller's deadline", &policy.CancelledError{Err: context.DeadlineExceeded}, false},
		{"context.Canceled", context.Canceled, false},
		{"wrapped context.Canceled", fmt.Errorf("reading: %w", context.Canceled), false},
		{"permanent", policy.Permanent(plain), false},
		{"wrapped permanent", fmt.Errorf("charging: %w", policy.Permanent(plain)), false},
		{"permanent among others", errors.Join(plain, policy.Permanent(io.EOF)), false},
		{"permanent inside infrastructure", &policy.InfrastructureError{Err: policy.Permanent(plain)}, false},
		{"open circuit among others", errors.Join(plain, &policy.CircuitOpenError{}), false},
		{"wrapped open circuit", fmt.Errorf("charging: %w", &policy.CircuitOpenError{}), false},

		{"says yes", opinion{retryable: true}, true},
		{"says no", opinion{retryable: false}, false},
		{"wrapped, says no", fmt.Errorf("charging: %w", opinion{retryable: false}), false},
		{"says yes about an open circuit", opinion{true, 0, &policy.CircuitOpenError{}}, false},
		{"says yes about a permanent one", opinion{true, 0, policy.Permanent(plain)}, false},
		{"one says yes, one no", errors.Join(opinion{retryable: true}, opinion{retryable: false}), false},
	} {
		if got := policy.IsRetryable(tt.err); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestIsServiceUnavailable(t *testing.T) {
	plain := errors.New("connection reset")
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"plain", plain, false},
		{"open circuit", &policy.CircuitOpenError{}, true},
		{"rate limited", &policy.RateLimitedError{}, true},
		{"timeout", &policy.TimeoutError{Err: plain}, true},
		{"exhausted retries", &policy.RetriesExhaustedError{Err: plain}, true},
		{"infrastructure", &policy.InfrastructureError{Err: plain}, true},
		{"wrapped", fmt.Errorf("charging: %w", &policy.CircuitOpenError{}), true},
		{"among others", errors.Join(plain, &policy.InfrastructureError{}), true},
		{"caller cancelled", &policy.CancelledError{Err: context.Canceled}, false},
		{"caller cancelled during a timeout", &policy.CancelledError{Err: &policy.TimeoutError{}}, false},
		{"permanent", policy.Permanent(plain), false},
		{"permanent after retries", policy.Permanent(&policy.RetriesExhaustedError{Err: plain}), false},
		{"context.Canceled", context.Canceled, false},
	} {
		if got := policy.IsServiceUnavailable(tt.err); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

// The time to come back was once a field that nothing filled or read.
func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want time.Duration // 0: nobody says
	}{
		{"nil", nil, 0},
		{"plain", io.EOF, 0},
		{"open circuit", &policy.CircuitOpenError{RetryAfter: time.Second}, time.Second},
		{"open circuit without end", &policy.CircuitOpenError{}, 0},
		{"rate limited", &policy.RateLimitedError{RetryAfter: 2 * time.Second}, 2 * time.Second},
		{"the dependency's own", later(3 * time.Second), 3 * time.Second},
		{"the dependency's own, zero", later(0), 0},
		{"the dependency's own, negative", later(-time.Second), 0},
		{"wrapped", fmt.Errorf("charging: %w", later(time.Second)), time.Second},
		{"through exhausted retries", &policy.RetriesExhaustedError{Err: &policy.RateLimitedError{RetryAfter: 4}}, 4},
		{"through a timeout", &policy.TimeoutError{Err: later(5)}, 5},
		{"through permanent", policy.Permanent(later(6)), 6},
		{"among others", errors.Join(io.EOF, later(7)), 7},
		{"beside one that does not know", errors.Join(&policy.CircuitOpenError{}, later(8)), 8},
		{"beside one that says zero", errors.Join(later(0), later(9)), 9},
	} {
		got, ok := policy.RetryAfter(tt.err)
		if got != tt.want || ok != (tt.want > 0) {
			t.Errorf("%s: got %v, %v; want %v", tt.name, got, ok, tt.want)
		}
	}
}

func TestPermanent(t *testing.T) {
	if policy.Permanent(nil) != nil {
		t.Error("Permanent(nil) is not nil")
	}
	cause := errors.New("no such customer")
	err := policy.Permanent(cause)
	if !errors.Is(err, cause) || err.Error() != cause.Error() {
		t.Errorf("got %v", err)
	}
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"nil":          {nil, false},
		"plain":        {cause, false},
		"marked":       {err, true},
		"marked twice": {policy.Permanent(err), true},
		"wrapped":      {fmt.Errorf("charging: %w", err), true},
		"says no":      {opinion{retryable: false}, false}, // not worth a retry, but no answer either
	} {
		if got := policy.IsPermanent(tt.err); got != tt.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
