package container_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// What is under a timeout of ours may itself be guarded: its pipeline sees its
// caller's deadline pass and says so. To us it is a timeout all the same: worth
// a retry, and a failure of the dependency.
func TestATimeoutOverAnotherPipelineIsATimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
		inner := pipelineFor(t, o, "inner", policy.Retry{MaxAttempts: 1}, policy.Timeout(time.Hour))
		outer := pipelineFor(t, o, "outer", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{Name: "b"}, policy.Timeout(time.Second))
		calls := 0
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				calls++
				return wait(ctx, time.Minute)
			})
		})
		wantIs(t, err, policy.ErrTimeout, context.DeadlineExceeded, policy.ErrRetriesExhausted)
		wantNot(t, err, policy.ErrCancelled)
		if calls != 2 {
			t.Errorf("%d attempts, want 2: a timeout is retried", calls)
		}
		if !policy.IsServiceUnavailable(err) {
			t.Error("the service is not called unavailable")
		}
		wantState(t, b, policy.StateOpen)
	})
}

func TestTheCallersOwnEndThroughTwoPipelines(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		inner := pipelineFor(t, o, "inner", policy.Timeout(time.Minute))
		outer := pipelineFor(t, o, "outer", policy.Retry{}, policy.Timeout(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := outer.Run(ctx, func(ctx context.Context) error { return inner.Run(ctx, waits(time.Hour)) })
		wantIs(t, err, policy.ErrCancelled, context.DeadlineExceeded)
		wantNot(t, err, policy.ErrTimeout)
	})
}

// The dependency may have given up on something of its own before the caller
// gave up on it: the caller must hear of its own end.
func TestACallersEndIsToldEvenIfTheDependencyTellsOfAnother(t *testing.T) {
	p, _ := under(t, policy.Retry{})
	ctx, cancel := context.WithCancel(t.Context())
	err := p.Run(ctx, func(context.Context) error {
		cancel()
		return &policy.CancelledError{Err: context.DeadlineExceeded, Operation: "further in"}
	})
	wantIs(t, err, policy.ErrCancelled, context.Canceled)
}

// What the dependency said is found through both, but for what was only true
// from inside: there the caller went, here a timeout of ours ended it.
func TestATimeoutOverAnotherPipelineLosesNothing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		inner := pipelineFor(t, o, "inner", policy.Timeout(time.Hour))
		outer := pipelineFor(t, o, "outer", policy.Timeout(time.Second))
		err := outer.Run(t.Context(), func(ctx context.Context) error {
			return inner.Run(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				return fmt.Errorf("%w: %w", &declined{"51"}, ctx.Err())
			})
		})
		wantIs(t, err, policy.ErrTimeout, context.DeadlineExceeded)
		wantNot(t, err, policy.ErrCancelled)
		var (
			d         *declined
			timeout   *policy.TimeoutError
			cancelled *policy.CancelledError
		)
		if !errors.As(err, &d) || d.code != "51" {
			t.Errorf("the dependency's error is lost in %v", err)
		}
		if !errors.As(err, &timeout) || timeout.Operation != "outer" {
			t.Errorf("the timeout is not the outer one's: %v", err)
		}
		if errors.As(err, &cancelled) {
			t.Errorf("nobody cancelled: %v", cancelled)
		}
		wantMessage(t, err, "outer: timed out after 1s: ", "declined: 51")
	})
}
