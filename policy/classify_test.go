package policy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
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
		{"bulkhead full", &policy.BulkheadFullError{}, true},
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
		{"bulkhead full", &policy.BulkheadFullError{}, true},
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
		{"bulkhead full", &policy.BulkheadFullError{RetryAfter: 3 * time.Second}, 3 * time.Second},
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

// claims answers errors.Is for one target, and wraps nothing.
type claims struct{ target error }

func (claims) Error() string               { return "claims" }
func (c claims) Is(target error) bool      { return target == c.target }
func (c claims) RetryAfter() time.Duration { return 0 }

// One walk finds what many calls of errors.Is find, however an error is made up.
func TestIsRetryableEqualsAskingOneByOne(t *testing.T) {
	oneByOne := func(err error, opinions []opinion) bool {
		if err == nil || errors.Is(err, policy.ErrCircuitOpen) || errors.Is(err, policy.ErrRetriesExhausted) ||
			errors.Is(err, policy.ErrCancelled) || policy.IsPermanent(err) ||
			errors.Is(err, context.Canceled) && !errors.Is(err, policy.ErrTimeout) {
			return false
		}
		return !slices.ContainsFunc(opinions, func(o opinion) bool { return !o.retryable })
	}
	targets := []error{
		policy.ErrCircuitOpen, policy.ErrRateLimited, policy.ErrBulkheadFull, policy.ErrTimeout, policy.ErrRetriesExhausted, policy.ErrCancelled,
		context.Canceled, context.DeadlineExceeded, io.EOF,
	}
	seen := map[bool]int{}
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var opinions []opinion
		var tree func(depth int) error
		tree = func(depth int) error {
			if depth == 0 || r.IntN(4) == 0 {
				switch target := targets[r.IntN(len(targets))]; r.IntN(6) {
				case 0:
					return target
				case 1:
					return claims{target}
				case 2:
					return io.EOF
				default:
					return errors.New("plain")
				}
			}
			switch r.IntN(8) {
			case 0:
				return errors.Join(tree(depth-1), tree(depth-1))
			case 1:
				return fmt.Errorf("%w and %w", tree(depth-1), tree(depth-1))
			case 2:
				return &policy.TimeoutError{Err: tree(depth - 1)}
			case 3:
				o := opinion{retryable: r.IntN(4) > 0, cause: tree(depth - 1)}
				opinions = append(opinions, o)
				return o
			case 4:
				return &policy.InfrastructureError{Err: tree(depth - 1)}
			default:
				return fmt.Errorf("wrapped: %w", tree(depth-1))
			}
		}
		err := tree(r.IntN(5))
		want := oneByOne(err, opinions)
		seen[want]++
		if got := policy.IsRetryable(err); got != want {
			t.Fatalf("seed %d: %v, want %v, for %v", seed, got, want, err)
		}
	}
	if seen[true] < 1000 || seen[false] < 1000 {
		t.Errorf("too much of the same: %v", seen)
	}
}
