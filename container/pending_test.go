package container_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// opened is a result that is still in use after its call.
type opened struct {
	container.Pending
	ctx context.Context // of the attempt that opened it
}

// open begins an operation whose result outlives the call.
func open(ctx context.Context, t *testing.T, p *container.Pipeline) *opened {
	t.Helper()
	var o opened
	if err := opening(ctx, p, &o); err != nil {
		t.Fatal(err)
	}
	return &o
}

func opening(ctx context.Context, p *container.Pipeline, o *opened) (err error) {
	call := p.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		o.ctx = call.Context()
		call.Defer(&o.Pending)
	}
	return err
}

// An opening that succeeds ended the row of failures, though what followed always
// failed: such a breaker never opened.
func TestAnOpeningDoesNotHideWhatFollows(t *testing.T) {
	p, o := under(t, policy.Retry{}, policy.CircuitBreaker{FailureThreshold: 3})
	for n := range 3 {
		if err := open(t.Context(), t, p).Finish(errDown, policy.Unknown); err != errDown { //nolint:errorlint // nothing was stopped: the very error
			t.Errorf("got %v", err)
		}
		if got := o.Metrics().CircuitBreakerTrips; got != uint64(n/2) {
			t.Errorf("%d trips after %d failures", got, n+1)
		}
	}
	wantIs(t, opening(t.Context(), p, &opened{}), policy.ErrCircuitOpen)
}

func TestNothingIsToldBeforeTheEnd(t *testing.T) {
	p, o := under(t, policy.CircuitBreaker{FailureThreshold: 2}, policy.Timeout(time.Minute))
	_ = p.Run(t.Context(), always(errDown))
	kept := open(t.Context(), t, p)
	if m := o.Metrics(); m.TotalOperations != 1 {
		t.Errorf("counted before it ended: %+v", m.Totals)
	}
	if kept.ctx.Err() != nil {
		t.Errorf("the context has ended: %v", kept.ctx.Err())
	}
	if err := kept.Finish(nil, policy.Unknown); err != nil {
		t.Error(err)
	}
	if kept.ctx.Err() == nil {
		t.Error("the context goes on")
	}
	_ = p.Run(t.Context(), always(errDown)) // the first of a new row
	if m := o.Metrics(); m.SuccessfulOperations != 1 || m.FailedOperations != 2 || m.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestOnlyTheFirstEndCounts(t *testing.T) {
	p, o := under(t, policy.CircuitBreaker{FailureThreshold: 1})
	kept := open(t.Context(), t, p)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { _ = kept.Finish(nil, policy.Unknown) })
	}
	wg.Wait()
	wantIs(t, kept.Finish(errDown, policy.Unknown), errDown)
	if m := o.Metrics(); m.SuccessfulOperations != 1 || m.TotalOperations != 1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestAResultThatStallsIsATimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Hour), policy.Retry{}, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Second))
		kept := open(t.Context(), t, p)
		<-kept.ctx.Done()
		err := kept.Finish(kept.ctx.Err(), policy.Unknown)
		var timeout *policy.TimeoutError
		if !errors.As(err, &timeout) || timeout.After != time.Second {
			t.Errorf("got %v", err)
		}
		wantNot(t, err, policy.ErrRetriesExhausted)
		if m := o.Metrics(); m.TimeoutCount != 1 || m.FailedOperations != 1 || m.CircuitBreakerTrips != 1 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// A deadline may pass while nobody waits for the dependency: it is a timeout, but
// says nothing of it.
func TestATimeoutThatIsNotTheDependencysFault(t *testing.T) {
	virtual(t, func(t *testing.T) {
		breaker := policy.CircuitBreaker{FailureThreshold: 1}
		retry := policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}
		p, o := under(t, retry, breaker, policy.Timeout(time.Second))
		kept := open(t.Context(), t, p)
		<-kept.ctx.Done()
		wantIs(t, kept.Leave(kept.ctx.Err()), policy.ErrTimeout)

		err := func() (err error) {
			call := p.Begin(t.Context())
			defer call.End()
			for call.Next(&err) {
				<-call.Context().Done()
				err = call.Context().Err()
				call.Neutral()
				call.Stop()
			}
			return err
		}()
		wantIs(t, err, policy.ErrTimeout)
		wantNot(t, err, policy.ErrRetriesExhausted)
		if m := o.Metrics(); m.TimeoutCount != 2 || m.FailedOperations != 2 || m.CircuitBreakerTrips != 0 || m.RetryAttempts != 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

func TestTheCallersEndIsOneAlsoAfterTheCall(t *testing.T) {
	p, o := under(t, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Minute))
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		kept := open(ctx, t, p)
		cancel()
		err := kept.Finish(kept.ctx.Err(), policy.Unknown)
		wantIs(t, err, policy.ErrCancelled, context.Canceled)
		wantNot(t, err, policy.ErrTimeout)
	}
	if m := o.Metrics(); m.Cancelled != 2 || m.FailedOperations != 2 || m.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestAnswersThatEndLater(t *testing.T) {
	p, o := under(t, policy.CircuitBreaker{FailureThreshold: 1})
	wantIs(t, open(t.Context(), t, p).Finish(errDown, policy.Answered), errDown)
	if m := o.Metrics(); m.Answered != 1 || m.SuccessfulOperations != 1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

// Whoever closes what has not ended says nothing of the dependency, good or bad.
func TestAResultThatIsGivenUpTellsABreakerNothing(t *testing.T) {
	p, o := under(t, policy.CircuitBreaker{FailureThreshold: 2})
	_ = p.Run(t.Context(), always(errDown))
	if err := open(t.Context(), t, p).Leave(nil); err != nil {
		t.Error(err)
	}
	_ = p.Run(t.Context(), always(errDown))
	if m := o.Metrics(); m.SuccessfulOperations != 1 || m.CircuitBreakerTrips != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

// A stream may be judged by its first message, and go on.
func TestADetachedContextOutlivesThePendingToo(t *testing.T) {
	p, _ := under(t, policy.Timeout(time.Minute))
	for _, end := range []error{nil, errDown} {
		var o opened
		var release func()
		_ = func() (err error) {
			call := p.Begin(t.Context())
			defer call.End()
			for call.Next(&err) {
				o.ctx, release = call.Context(), call.Detach()
				call.Defer(&o.Pending)
			}
			return err
		}()
		_ = o.Finish(end, policy.Unknown)
		if o.ctx.Err() != nil {
			t.Errorf("after %v: %v", end, o.ctx.Err())
		}
		if release(); o.ctx.Err() == nil {
			t.Error("the context goes on")
		}
	}
}

// What a call that failed leaves is judged already; a timeout has its name still.
func TestDeferAfterAFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Hour), policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 9}, policy.Timeout(time.Second))
		for _, stalls := range []bool{true, false} {
			var kept opened
			var first context.Context
			err := func() (err error) {
				call := p.Begin(t.Context())
				defer call.End()
				for call.Next(&err) {
					first, kept.ctx = kept.ctx, call.Context()
					call.Detach()
					err = errDown
				}
				call.Defer(&kept.Pending)
				return err
			}()
			wantIs(t, err, policy.ErrRetriesExhausted, errDown)
			if first.Err() == nil || kept.ctx.Err() != nil {
				t.Errorf("contexts are %v and %v", first.Err(), kept.ctx.Err())
			}
			if stalls {
				<-kept.ctx.Done()
				wantIs(t, kept.Finish(kept.ctx.Err(), policy.Unknown), policy.ErrTimeout)
			} else if err := kept.Finish(nil, policy.Unknown); err != nil || kept.ctx.Err() == nil {
				t.Errorf("got %v; the context %v", err, kept.ctx.Err())
			}
		}
		if m := o.Metrics(); m.TotalOperations != 2 || m.FailedOperations != 2 || m.RetryAttempts != 2 || m.TimeoutCount != 1 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// A reader takes its time: that its result ended long after the deadline says nothing
// of the client.
func TestDeferredCallsDoNotOverrun(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(time.Second))
		for range 100 {
			kept := open(t.Context(), t, p)
			time.Sleep(time.Hour + 1)
			_ = kept.Finish(nil, policy.Unknown)
		}
		_ = open(t.Context(), t, p).Finish(errDown, policy.Unknown)
		if m := o.Metrics(); m.Overruns != 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// A probe that had only opened its result closed the breaker.
func TestAProbeEndsWithItsResult(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, SuccessThreshold: 1, RecoveryTimeout: time.Second, ProbeTimeout: time.Minute})
		half := func() *opened {
			trip(t, p, b)
			time.Sleep(time.Second)
			return open(t.Context(), t, p)
		}
		kept := half()
		wantState(t, b, policy.StateHalfOpen)
		wantIs(t, opening(t.Context(), p, &opened{}), policy.ErrCircuitOpen) // its place is taken
		_ = kept.Finish(errDown, policy.Unknown)
		wantState(t, b, policy.StateOpen)

		b.Reset()
		_ = half().Finish(nil, policy.Unknown)
		wantState(t, b, policy.StateClosed)

		half() // and is forgotten
		time.Sleep(time.Minute + time.Millisecond)
		wantState(t, b, policy.StateOpen)
	})
}

// What failed in an attempt before is no part of what is deferred.
func TestDeferAfterARetry(t *testing.T) {
	p, o := under(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Minute), policy.Timeout(time.Second), policy.Timeout(time.Millisecond))
	var kept opened
	var first context.Context
	err := func() (err error) {
		call := p.Begin(t.Context())
		defer call.End()
		for call.Next(&err) {
			if first == nil {
				first, err = call.Context(), errDown
				continue
			}
			kept.ctx, err = call.Context(), nil
			call.Defer(&kept.Pending)
		}
		return err
	}()
	if err != nil || first.Err() == nil || kept.ctx.Err() != nil {
		t.Errorf("got %v; contexts %v and %v", err, first.Err(), kept.ctx.Err())
	}
	_ = kept.Finish(nil, policy.Unknown)
	if m := o.Metrics(); kept.ctx.Err() == nil || m.RetryAttempts != 1 || m.SuccessfulOperations != 1 {
		t.Errorf("context %v, metrics %+v", kept.ctx.Err(), m.Totals)
	}
}

func TestDeferWhereThereIsNothingToDo(t *testing.T) {
	p, _ := under(t)
	kept := open(t.Context(), t, p)
	if err := kept.Finish(errDown, policy.Unknown); err != errDown { //nolint:errorlint // straight through: the very error
		t.Errorf("got %v", err)
	}
	var zero container.Pending
	if err := zero.Finish(nil, policy.Unknown); err != nil {
		t.Errorf("nothing was deferred: %v", err)
	}
}

func TestDeferAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p, _ := under(t, policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute))
	ctx := context.Background()
	var kept *opened
	got := testing.AllocsPerRun(100, func() {
		kept = &opened{}
		_ = opening(ctx, p, kept)
		_ = kept.Finish(nil, policy.Unknown)
	})
	if got > 2 {
		t.Errorf("%v allocations, want those of what it is part of, and of the deadline", got)
	}
}

// What a failed attempt held was held for the whole back-off, or given up though
// no attempt followed.
func TestWhatAnAttemptHoldsIsReleasedBeforeTheWait(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)})
		start := time.Now()
		var released []time.Duration
		_ = func() (err error) {
			call := p.Begin(t.Context())
			defer call.End()
			for n := 0; call.Next(&err); n++ {
				err = errDown
				if n != 1 {
					call.BeforeRetry(func() { released = append(released, time.Since(start)) })
				}
			}
			return err
		}()
		if len(released) != 1 || released[0] != 0 {
			t.Errorf("released at %v, want once, at the beginning of the first back-off", released)
		}
	})
}
