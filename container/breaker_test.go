package container_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

func TestBreakerLivesThroughItsStates(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Minute, SuccessThreshold: 2})
		for n := range 3 {
			wantState(t, b, policy.StateClosed)
			if err := p.Run(t.Context(), always(errDown)); !errors.Is(err, errDown) {
				t.Errorf("failure %d: %v", n+1, err)
			}
		}
		wantState(t, b, policy.StateOpen)
		s := &script{}
		wantIs(t, p.Run(t.Context(), s.call), policy.ErrCircuitOpen)
		if s.calls != 0 {
			t.Error("an open breaker let a call through")
		}
		time.Sleep(time.Minute)
		wantState(t, b, policy.StateHalfOpen)
		for range 2 {
			if err := p.Run(t.Context(), works); err != nil {
				t.Errorf("a probe: %v", err)
			}
		}
		wantState(t, b, policy.StateClosed)
		if b.Name() != "b" {
			t.Errorf("its name is %q", b.Name())
		}
	})
}

func TestAFailedProbeOpensItAgain(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 3})
		trip(t, p, b)
		for range 3 {
			time.Sleep(time.Minute)
			_ = p.Run(t.Context(), works)
			_ = p.Run(t.Context(), works)
			wantState(t, b, policy.StateHalfOpen)
			_ = p.Run(t.Context(), always(errDown))
			wantState(t, b, policy.StateOpen)
			if after, _ := policy.RetryAfter(p.Run(t.Context(), works)); after != time.Minute {
				t.Errorf("open for another %v, want a minute", after)
			}
		}
	})
}

func TestOnlyFailuresInARowTrip(t *testing.T) {
	p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 3})
	for range 50 {
		_ = p.Run(t.Context(), always(errDown))
		_ = p.Run(t.Context(), always(errDown))
		_ = p.Run(t.Context(), works)
	}
	wantState(t, b, policy.StateClosed)
	trip(t, p, b)
}

// A breaker inside a combined policy was once asked, but never told the outcome:
// fifty failures, no trip.
func TestABreakerInACombinedPolicyHearsOfEveryOutcome(t *testing.T) {
	breaker := policy.CircuitBreaker{Name: "b"}
	for _, layers := range [][]policy.Policy{
		{policy.Retry{MaxAttempts: 1}, breaker},
		{breaker, policy.Retry{MaxAttempts: 1}},
		{policy.Timeout(time.Minute), policy.Retry{Backoff: policy.Fixed(0)}, policy.RateLimit{RequestsPerSecond: 1e9}, breaker, policy.Timeout(time.Second)},
		{policy.Combine(policy.Retry{MaxAttempts: 1}, policy.Combine(breaker, policy.Timeout(time.Second)))},
		{policy.CircuitBreaker{FailureThreshold: 100}, breaker},
	} {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 5})
		p := pipelineFor(t, o, "op", layers...)
		calls := 0
		for range 50 {
			_ = p.Run(t.Context(), func(context.Context) error { calls++; return errDown })
		}
		if calls != 5 {
			t.Errorf("%v: %d calls got through, want 5", layers, calls)
		}
		if got := o.Metrics().CircuitBreakerTrips; b.State() != policy.StateOpen || got != 1 {
			t.Errorf("%v: %v after %d trips", layers, b.State(), got)
		}
	}
}

// All attempts were once burnt against an open breaker.
func TestARetryStopsAtABreakerThatOpens(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 10, Backoff: policy.Fixed(0)}, policy.CircuitBreaker{FailureThreshold: 3})
		s := fails(99)
		err := p.Run(t.Context(), s.call)
		wantIs(t, err, policy.ErrCircuitOpen)
		wantNot(t, err, policy.ErrRetriesExhausted)
		if got := o.Metrics(); s.calls != 3 || got.RetryAttempts != 3 || got.CircuitBreakerRejections != 1 {
			t.Errorf("%d attempts, metrics %+v", s.calls, got.Totals)
		}
	})
}

// The caller's cancellation once counted as a failure of the dependency, and so
// did business refusals and rejections of our own.
func TestWhatIsNeitherSuccessNorFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		cancelled := func(t *testing.T) context.Context {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			return ctx
		}
		late := func(t *testing.T) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), policy.DefaultPatience/2)
			t.Cleanup(cancel)
			return ctx
		}
		background := func(t *testing.T) context.Context { return t.Context() }
		for _, tt := range []struct {
			name    string
			context func(t *testing.T) context.Context
			callee  func(context.Context) error
		}{
			{"the caller cancelled", cancelled, waits(time.Minute)},
			{"the caller cancelled, and the dependency says otherwise", cancelled, ignores(time.Minute, errDown)},
			{"the caller's deadline, too soon to tell", late, waits(time.Minute)},
			{"permanent", background, always(policy.Permanent(errNo))},
			{"wrapped permanent", background, always(&policy.InfrastructureError{Err: policy.Permanent(errNo)})},
			{"open circuit further in", background, always(&policy.CircuitOpenError{})},
			{"rate limited further in", background, always(&policy.RateLimitedError{})},
		} {
			p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 2})
			for range 10 {
				_ = p.Run(tt.context(t), tt.callee)
			}
			if got := b.State(); got != policy.StateClosed {
				t.Errorf("%s: it counted as failure: %v", tt.name, got)
			}
			// Nor is it a success, which would end the row of failures.
			_ = p.Run(t.Context(), always(errDown))
			_ = p.Run(tt.context(t), tt.callee)
			_ = p.Run(t.Context(), always(errDown))
			if got := b.State(); got != policy.StateOpen {
				t.Errorf("%s: it counted as success: %v", tt.name, got)
			}
		}
	})
}

func TestWhatIsAFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, tt := range []struct {
			name   string
			callee func(context.Context) error
		}{
			{"plain", always(errDown)},
			{"not retryable, but no answer either", always(errFatal)},
			{"the dependency's own deadline", always(context.DeadlineExceeded)},
			{"the dependency's own cancellation", always(context.Canceled)},
			{"infrastructure", always(&policy.InfrastructureError{Message: "no answer"})},
			{"a timeout of ours inside", waits(time.Hour)},
			{"exhausted retries further in", always(&policy.RetriesExhaustedError{Err: errDown})},
			{"another caller's end, further in", always(&policy.CancelledError{Err: context.Canceled})},
		} {
			o := newOrchestrator(t, policy.Catalog{})
			b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
			p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}, policy.Timeout(time.Second))
			_ = p.Run(t.Context(), tt.callee)
			_ = p.Run(t.Context(), tt.callee)
			if got := b.State(); got != policy.StateOpen {
				t.Errorf("%s: %v after two", tt.name, got)
			}
		}
	})
}

func TestATotalTimeoutOutsideABreakerIsAFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 1})
		p := pipelineFor(t, o, "op", policy.Timeout(time.Second), policy.CircuitBreaker{Name: "b"})
		wantIs(t, p.Run(t.Context(), waits(time.Hour)), policy.ErrTimeout)
		wantState(t, b, policy.StateOpen)
	})
}

func TestABreakerOutsideARetryCountsOperations(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
	p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}, policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(0)})
	s := fails(99)
	_ = p.Run(t.Context(), s.call)
	wantState(t, b, policy.StateClosed)
	_ = p.Run(t.Context(), s.call)
	wantState(t, b, policy.StateOpen)
	if s.calls != 10 {
		t.Errorf("%d attempts", s.calls)
	}
}

// Who waits as long as told is let in, to the nanosecond; who comes earlier is not.
func TestRetryAfterOfABreakerIsExact(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, recovery := range []time.Duration{2, 1000, time.Second, 30*time.Second + 7, 1000 * time.Hour} {
			p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: recovery, SuccessThreshold: 1})
			trip(t, p, b)
			for _, early := range []time.Duration{recovery / 2, recovery - recovery/2 - 1} {
				err := p.Run(t.Context(), works)
				var open *policy.CircuitOpenError
				if !errors.As(err, &open) || open.Name != "b" || open.Operation != "op" {
					t.Fatalf("recovery %v: got %v", recovery, err)
				}
				time.Sleep(early)
			}
			err := p.Run(t.Context(), works)
			after, _ := policy.RetryAfter(err)
			if after != 1 {
				t.Errorf("recovery %v: a nanosecond before, it says %v (%v)", recovery, after, err)
			}
			time.Sleep(after)
			if err := p.Run(t.Context(), works); err != nil {
				t.Errorf("recovery %v: waited as told and got %v", recovery, err)
			}
			wantState(t, b, policy.StateClosed)
		}
	})
}

// The rejected were told the whole ProbeTimeout, however soon probes come back.
func TestRetryAfterOfAHalfOpenBreaker(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 1, ProbeTimeout: 10 * time.Second})
		trip(t, p, b)
		time.Sleep(time.Minute)
		_ = p.Run(t.Context(), ignores(30*time.Millisecond, errDown))
		time.Sleep(time.Minute)
		hung := begin(t, p)
		told := func(want time.Duration) {
			t.Helper()
			if after, _ := policy.RetryAfter(p.Run(t.Context(), works)); after != want {
				t.Errorf("it says %v, want %v", after, want)
			}
		}
		told(30 * time.Millisecond) // as the last one took
		time.Sleep(4 * time.Second)
		told(4 * time.Second) // as long again
		time.Sleep(4 * time.Second)
		told(2 * time.Second) // then it counts as failed
		_ = hung.end(nil)
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
	})
}

func TestCountWithinAWindow(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := policy.CircuitBreaker{FailureThreshold: 5, Window: 10 * time.Second}
		p, b := broken(t, spec)
		for range 4 {
			_ = p.Run(t.Context(), always(errDown))
			_ = p.Run(t.Context(), works) // not in a row
			time.Sleep(2 * time.Second)
		}
		wantState(t, b, policy.StateClosed)
		_ = p.Run(t.Context(), always(errDown)) // five within 8s
		wantState(t, b, policy.StateOpen)

		p, b = broken(t, spec)
		for range 100 {
			_ = p.Run(t.Context(), always(errDown))
			time.Sleep(2500 * time.Millisecond) // never five within 10s
		}
		wantState(t, b, policy.StateClosed)
	})
}

// What happened before the window has passed out of it, with or without
// requests in between.
func TestAWindowForgets(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 5, Window: 10 * time.Second})
		for range 4 {
			_ = p.Run(t.Context(), always(errDown))
		}
		time.Sleep(11 * time.Second)
		for range 4 {
			_ = p.Run(t.Context(), always(errDown))
		}
		wantState(t, b, policy.StateClosed)
		_ = p.Run(t.Context(), always(errDown))
		wantState(t, b, policy.StateOpen)
	})
}

func TestRateWithinAWindow(t *testing.T) {
	for _, tt := range []struct {
		name                string
		failures, successes int
		want                policy.State
	}{
		{"too few requests", 9, 0, policy.StateClosed},
		{"the rate is met", 5, 5, policy.StateOpen},
		{"the rate is not met", 4, 6, policy.StateClosed},
		{"all fail", 10, 0, policy.StateOpen},
		{"many more", 500, 501, policy.StateClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p, b := broken(t, policy.CircuitBreaker{FailureRate: 0.5, MinRequests: 10, Window: time.Minute})
				for range tt.successes {
					_ = p.Run(t.Context(), works)
				}
				for range tt.failures {
					_ = p.Run(t.Context(), always(errDown))
				}
				wantState(t, b, tt.want)
			})
		})
	}
}

func TestRateWithinAWindowForgetsSuccesses(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureRate: 0.5, MinRequests: 10, Window: time.Minute})
		for range 1000 {
			_ = p.Run(t.Context(), works)
		}
		time.Sleep(61 * time.Second)
		for range 10 {
			wantState(t, b, policy.StateClosed)
			_ = p.Run(t.Context(), always(errDown))
		}
		wantState(t, b, policy.StateOpen) // ten of ten; of the last 1010 it would be 1%
	})
}

func TestRateDoesNotCountWhatIsNeither(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureRate: 0.5, MinRequests: 4, Window: time.Minute})
		for range 100 {
			_ = p.Run(t.Context(), always(policy.Permanent(errNo)))
		}
		for range 3 {
			_ = p.Run(t.Context(), always(errDown))
		}
		wantState(t, b, policy.StateClosed) // three requests
		_ = p.Run(t.Context(), always(errDown))
		wantState(t, b, policy.StateOpen) // four of four
	})
}

func TestCountAndRateTogether(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := policy.CircuitBreaker{FailureThreshold: 6, FailureRate: 0.5, MinRequests: 4, Window: time.Minute}
		byRate, b := broken(t, spec)
		for range 4 {
			_ = byRate.Run(t.Context(), always(errDown))
		}
		wantState(t, b, policy.StateOpen)

		byCount, b := broken(t, spec)
		for range 100 {
			_ = byCount.Run(t.Context(), works)
		}
		for range 6 {
			wantState(t, b, policy.StateClosed)
			_ = byCount.Run(t.Context(), always(errDown))
		}
		wantState(t, b, policy.StateOpen)
	})
}

func TestAClosedBreakerStartsItsWindowAnew(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureRate: 0.5, MinRequests: 4, Window: time.Hour, RecoveryTimeout: time.Second, SuccessThreshold: 1})
		trip(t, p, b)
		time.Sleep(time.Second)
		_ = p.Run(t.Context(), works)
		wantState(t, b, policy.StateClosed)
		for range 3 {
			_ = p.Run(t.Context(), always(errDown))
		}
		wantState(t, b, policy.StateClosed) // three since it closed; the four before are of another time
	})
}

// A failure counts when it comes, not when its call began.
func TestALongCallCountsInTheWindowWhenItEnds(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 2, Window: 10 * time.Second})
		_ = p.Run(t.Context(), ignores(time.Minute, errDown))
		time.Sleep(time.Second)
		_ = p.Run(t.Context(), always(errDown))
		wantState(t, b, policy.StateOpen)
	})
}

func TestForceOpenRejectsUntilAutomatic(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{RecoveryTimeout: time.Second})
		b.ForceOpen()
		for range 3 {
			err := p.Run(t.Context(), works)
			var open *policy.CircuitOpenError
			if !errors.As(err, &open) || open.RetryAfter != 0 {
				t.Errorf("got %+v: nobody knows when it will be opened again", err)
			}
			wantState(t, b, policy.StateOpen)
			time.Sleep(time.Hour) // long past its recovery timeout
		}
		b.Automatic()
		wantState(t, b, policy.StateClosed)
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
	})
}

func TestDisableLetsEverythingPassAndCountsNothing(t *testing.T) {
	p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 2})
	b.Disable()
	for range 50 {
		if err := p.Run(t.Context(), always(errDown)); !errors.Is(err, errDown) {
			t.Fatalf("got %v", err)
		}
	}
	wantState(t, b, policy.StateClosed)
	b.Automatic()
	wantState(t, b, policy.StateClosed)
	_ = p.Run(t.Context(), always(errDown))
	wantState(t, b, policy.StateClosed) // the fifty are forgotten
	_ = p.Run(t.Context(), always(errDown))
	wantState(t, b, policy.StateOpen)
}

func TestAutomaticGoesOnWhereItWas(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for name, take := range map[string]func(*container.CircuitBreaker){
			"forced open": (*container.CircuitBreaker).ForceOpen,
			"disabled":    (*container.CircuitBreaker).Disable,
		} {
			p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Minute, SuccessThreshold: 1})
			_ = p.Run(t.Context(), always(errDown))
			_ = p.Run(t.Context(), always(errDown))
			take(b)
			b.Automatic()
			_ = p.Run(t.Context(), always(errDown))
			if b.State() != policy.StateOpen {
				t.Errorf("%s: the two failures before were forgotten", name)
			}
			take(b)
			b.Automatic()
			if after, _ := policy.RetryAfter(p.Run(t.Context(), works)); b.State() != policy.StateOpen || after != time.Minute {
				t.Errorf("%s: open became %v, to be tried in %v", name, b.State(), after)
			}
			take(b)
			time.Sleep(2 * time.Minute)
			b.Automatic()
			if b.State() != policy.StateHalfOpen {
				t.Errorf("%s: after its recovery timeout it is %v", name, b.State())
			}
			if err := p.Run(t.Context(), works); err != nil || b.State() != policy.StateClosed {
				t.Errorf("%s: a probe: %v, then %v", name, err, b.State())
			}
		}
	})
}

func TestResetClosesFromEveryState(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute}
		for name, before := range map[string]func(*container.Pipeline, *container.CircuitBreaker){
			"closed": func(p *container.Pipeline, _ *container.CircuitBreaker) { _ = p.Run(t.Context(), always(errDown)) },
			"open":   func(p *container.Pipeline, b *container.CircuitBreaker) { trip(t, p, b) },
			"half-open": func(p *container.Pipeline, b *container.CircuitBreaker) {
				trip(t, p, b)
				time.Sleep(time.Minute)
				b.State()
			},
			"forced open": func(_ *container.Pipeline, b *container.CircuitBreaker) { b.ForceOpen() },
			"disabled":    func(_ *container.Pipeline, b *container.CircuitBreaker) { b.Disable() },
		} {
			p, b := broken(t, spec)
			before(p, b)
			b.Reset()
			if b.State() != policy.StateClosed {
				t.Errorf("%s: became %v", name, b.State())
			}
			_ = p.Run(t.Context(), always(errDown))
			if b.State() != policy.StateClosed {
				t.Errorf("%s: a failure from before was kept", name)
			}
			_ = p.Run(t.Context(), always(errDown))
			if b.State() != policy.StateOpen {
				t.Errorf("%s: two failures after: %v", name, b.State())
			}
		}
	})
}

// Rejections were once counted as trips.
func TestTripsAreChangesFromClosedToOpen(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute, SuccessThreshold: 1})
		check := func(trips, rejections uint64) {
			t.Helper()
			if m := o.Metrics(); m.CircuitBreakerTrips != trips || m.CircuitBreakerRejections != rejections {
				t.Errorf("%d trips and %d rejections, want %d and %d", m.CircuitBreakerTrips, m.CircuitBreakerRejections, trips, rejections)
			}
		}
		for range 10 {
			_ = p.Run(t.Context(), always(errDown))
		}
		check(1, 8)
		time.Sleep(time.Minute)
		_ = p.Run(t.Context(), always(errDown)) // half-open to open
		check(1, 8)
		time.Sleep(time.Minute)
		_ = p.Run(t.Context(), works)
		check(1, 8)
		for range 3 {
			_ = p.Run(t.Context(), always(errDown))
		}
		check(2, 9)
	})
}

func TestForcingOrDisablingABreakerIsNoTrip(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{})
	p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"})
	b.Disable()
	for range 20 {
		_ = p.Run(t.Context(), always(errDown))
		_ = p.Run(t.Context(), works)
	}
	b.ForceOpen()
	_ = p.Run(t.Context(), works)
	if m := o.Metrics(); m.CircuitBreakerTrips != 0 || m.CircuitBreakerRejections != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestABreakerInsideABreaker(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		outer := registered(t, o, "outer", policy.CircuitBreaker{FailureThreshold: 4, RecoveryTimeout: time.Minute, SuccessThreshold: 1})
		inner := registered(t, o, "inner", policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Second, SuccessThreshold: 1})
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "outer"}, policy.CircuitBreaker{Name: "inner"})
		for range 20 {
			_ = p.Run(t.Context(), always(errDown))
		}
		wantState(t, inner, policy.StateOpen)
		wantState(t, outer, policy.StateClosed) // the inner's rejections are no failures
		for range 2 {
			time.Sleep(time.Second)
			_ = p.Run(t.Context(), always(errDown))
		}
		wantState(t, outer, policy.StateOpen)
		time.Sleep(time.Minute)
		// A probe of the outer that the inner rejects gives back its place.
		inner.ForceOpen()
		for range 5 {
			wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		}
		inner.Reset()
		if err := p.Run(t.Context(), works); err != nil {
			t.Errorf("the outer is stuck: %v", err)
		}
		wantState(t, outer, policy.StateClosed)
	})
}

func TestTheSameBreakerTwiceInOnePolicy(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 4, RecoveryTimeout: time.Second, SuccessThreshold: 2})
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}, policy.CircuitBreaker{Name: "b"})
		trip(t, p, b)
		time.Sleep(time.Second)
		if err := p.Run(t.Context(), works); err != nil {
			t.Errorf("a call that is two probes: %v", err)
		}
		wantState(t, b, policy.StateClosed)
	})
}

func TestBreakerErrorsNameTheOperation(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "bank", policy.CircuitBreaker{})
	b.ForceOpen()
	err := pipelineFor(t, o, "payments.charge", policy.CircuitBreaker{Name: "bank"}).Run(t.Context(), works)
	if want := `payments.charge: circuit breaker "bank" is open`; err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", fmt.Sprint(err), want)
	}
}

// A nanosecond less than the shortest recovery timeout is zero, which means a
// minute to gobreaker. It takes two.
func TestTheShortestRecoveryTimeout(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: 1, SuccessThreshold: 1})
		trip(t, p, b)
		time.Sleep(2 * time.Nanosecond)
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		wantState(t, b, policy.StateClosed)
	})
}

// Who decides is one thing, what was counted another.
func TestFailuresInARowOutlastAnOperatorsChoice(t *testing.T) {
	for name, choose := range map[string]func(*container.CircuitBreaker){
		"disabled":            (*container.CircuitBreaker).Disable,
		"forced open":         (*container.CircuitBreaker).ForceOpen,
		"one, then the other": func(b *container.CircuitBreaker) { b.Disable(); b.ForceOpen() },
	} {
		virtual(t, func(t *testing.T) {
			p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 3})
			_ = p.Run(t.Context(), always(errDown))
			_ = p.Run(t.Context(), always(errDown))
			choose(b)
			_ = p.Run(t.Context(), works) // counts nothing, if it passes
			b.Automatic()
			wantState(t, b, policy.StateClosed)
			_ = p.Run(t.Context(), always(errDown))
			if got := b.State(); got != policy.StateOpen {
				t.Errorf("%s: the third failure in a row leaves the breaker %v", name, got)
			}
			b.Reset()
			_ = p.Run(t.Context(), always(errDown))
			_ = p.Run(t.Context(), always(errDown))
			wantState(t, b, policy.StateClosed)
		})
	}
}

func TestABreakerSaysWhatItIsAndSinceWhen(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{RecoveryTimeout: time.Minute})
		want := func(state policy.State, mode container.Mode, since time.Time, retryAfter time.Duration) {
			t.Helper()
			got := b.Status()
			if got.State != state || got.Mode != mode || !got.Since.Equal(since) || got.RetryAfter != retryAfter {
				t.Errorf("%+v, want %v, %v since %v, to be retried in %v", got, state, mode, since, retryAfter)
			}
		}
		made := time.Now()
		time.Sleep(time.Hour)
		want(policy.StateClosed, container.ModeAutomatic, made, 0)
		trip(t, p, b)
		tripped := time.Now()
		time.Sleep(20 * time.Second)
		want(policy.StateOpen, container.ModeAutomatic, tripped, 40*time.Second)
		b.Disable()
		want(policy.StateClosed, container.ModeDisabled, time.Now(), 0)
		b.ForceOpen()
		want(policy.StateOpen, container.ModeForcedOpen, time.Now(), 0)
		b.Automatic()
		want(policy.StateOpen, container.ModeAutomatic, time.Now(), 40*time.Second)
		time.Sleep(time.Minute)
		want(policy.StateHalfOpen, container.ModeAutomatic, time.Now(), 0)
	})
}

// A caller that gives up before the breaker's patience is over said nothing, and
// so did the next one: a dependency that hangs was asked for ever.
func TestCallersThatNeverWaitDoNotKeepABreakerHalfOpen(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{ProbeTimeout: 10 * time.Second})
		asked := 0
		for b.State() == policy.StateHalfOpen {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			_ = p.Run(ctx, func(ctx context.Context) error {
				asked++
				return waits(time.Hour)(ctx)
			})
			cancel()
			if asked > 1000 {
				t.Fatal("half-open for ever")
			}
		}
		if asked != 200 {
			t.Errorf("it was asked %d times, want ten seconds' worth", asked)
		}
		wantState(t, b, policy.StateOpen)
	})
}
