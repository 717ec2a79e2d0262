package container_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// pending is a call that has reached the dependency and not come back.
type pending struct {
	call container.Call
	err  error
}

// begin begins a call as a proxy does; it must be admitted.
func begin(t *testing.T, p *container.Pipeline) *pending {
	t.Helper()
	c := tryBegin(t.Context(), p)
	if c.err != nil {
		t.Fatalf("not admitted: %v", c.err)
	}
	return c
}

func tryBegin(ctx context.Context, p *container.Pipeline) *pending {
	c := &pending{call: p.Begin(ctx)}
	if !c.call.Next(&c.err) && c.err == nil {
		panic("neither admitted nor rejected")
	}
	return c
}

// end has the dependency answer err.
func (c *pending) end(err error) error {
	c.err = err
	for c.call.Next(&c.err) {
		panic("another attempt")
	}
	c.call.End()
	return c.err
}

// abandon has the call end in a panic or runtime.Goexit.
func (c *pending) abandon() { c.call.End() }

// halfOpen returns a pipeline through a breaker that has just become half-open.
func halfOpen(t *testing.T, spec policy.CircuitBreaker) (*container.Pipeline, *container.CircuitBreaker) {
	t.Helper()
	spec.FailureThreshold = 1
	p, b := broken(t, spec)
	trip(t, p, b)
	time.Sleep(spec.WithDefaults().RecoveryTimeout)
	wantState(t, b, policy.StateHalfOpen)
	return p, b
}

func TestHalfOpenAdmitsAsManyAsMustSucceed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 3})
		a, bb, c := begin(t, p), begin(t, p), begin(t, p)
		for range 3 {
			wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		}
		_ = a.end(nil)
		wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen) // one has succeeded, two are out
		_ = bb.end(nil)
		wantState(t, b, policy.StateHalfOpen)
		_ = c.end(nil)
		wantState(t, b, policy.StateClosed)
	})
}

// A half-open place that was never given back kept a healthy service rejected.
func TestANeutralProbeGivesBackItsPlace(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 1})
		for range 20 {
			if err := p.Run(t.Context(), always(policy.Permanent(errNo))); !errors.Is(err, errNo) {
				t.Fatalf("got %v", err)
			}
			wantState(t, b, policy.StateHalfOpen)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel) // sooner than Patience
		wantIs(t, p.Run(ctx, waits(time.Minute)), policy.ErrCancelled)
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		wantState(t, b, policy.StateClosed)
	})
}

// A probe that never came back left the breaker stuck half-open, rejecting for
// ever.
func TestAHungProbeCountsAsFailed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{RecoveryTimeout: time.Minute, ProbeTimeout: 10 * time.Second, SuccessThreshold: 1})
		hung := begin(t, p)
		time.Sleep(10*time.Second - 1)
		wantState(t, b, policy.StateHalfOpen)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantState(t, b, policy.StateOpen)
		if after, _ := policy.RetryAfter(p.Run(t.Context(), works)); after != time.Minute {
			t.Errorf("open for %v, want a minute", after)
		}
		time.Sleep(time.Minute)
		wantState(t, b, policy.StateHalfOpen)
		// What the hung one says now is of another time: it neither closes nor
		// opens, and takes no place.
		_ = hung.end(nil)
		wantState(t, b, policy.StateHalfOpen)
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		wantState(t, b, policy.StateClosed)
	})
}

func TestTheLateFailureOfAHungProbeIsDropped(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{RecoveryTimeout: time.Minute, ProbeTimeout: time.Second, SuccessThreshold: 1})
		hung := begin(t, p)
		time.Sleep(2 * time.Minute)
		wantState(t, b, policy.StateHalfOpen)
		_ = hung.end(errDown)
		wantState(t, b, policy.StateHalfOpen)
		_ = p.Run(t.Context(), works)
		wantState(t, b, policy.StateClosed)
	})
}

// A short recovery made the probe short too: a server that takes as long to answer
// as the breaker is open stayed shut out for ever.
func TestAShortRecoveryDoesNotShortenTheProbe(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{RecoveryTimeout: 100 * time.Millisecond})
		for range 3 {
			if err := p.Run(t.Context(), waits(200*time.Millisecond)); err != nil {
				t.Error(err)
			}
		}
		wantState(t, b, policy.StateClosed)

		p, b = halfOpen(t, policy.CircuitBreaker{RecoveryTimeout: 100 * time.Millisecond})
		begin(t, p)
		time.Sleep(policy.DefaultProbeTimeout - 1)
		wantState(t, b, policy.StateHalfOpen)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		wantState(t, b, policy.StateOpen)
	})
}

// Nothing written means a dependency that is soon back is soon used, and one that
// is not is asked ever less; what is written is kept to.
func TestRecoveryTimes(t *testing.T) {
	const s = time.Second
	growing := make([]time.Duration, 21)
	for n, wait := 0, s/2; n < len(growing); n, wait = n+1, min(wait+wait/4, 30*s) {
		growing[n] = wait
	}
	for name, tt := range map[string]struct {
		spec policy.CircuitBreaker
		want []time.Duration
	}{
		"default":      {policy.CircuitBreaker{}, growing},
		"written":      {policy.CircuitBreaker{RecoveryTimeout: s}, []time.Duration{s, s, s}},
		"both written": {policy.CircuitBreaker{RecoveryTimeout: 4 * s, MaxRecovery: 7 * s}, []time.Duration{4 * s, 5 * s, 6*s + s/4, 7 * s, 7 * s}},
		"a maximum":    {policy.CircuitBreaker{MaxRecovery: s}, []time.Duration{s / 2, s/2 + s/8, s/2 + s/8 + s/8 + s/32}},
	} {
		virtual(t, func(t *testing.T) {
			p, b := broken(t, tt.spec)
			trip(t, p, b)
			for n, want := range tt.want {
				after, _ := policy.RetryAfter(p.Run(t.Context(), works))
				if after != want {
					t.Errorf("%s: opened for the %d. time it says %v, want %v", name, n+1, after, want)
				}
				time.Sleep(after)
				_ = p.Run(t.Context(), always(errDown))
			}
		})
	}
}

// With a probe hanging and nobody else coming, nothing may be left running: not
// even when the breaker is done with.
func TestAnEndedProbeLeavesNoTimer(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{RecoveryTimeout: time.Minute, ProbeTimeout: time.Hour, SuccessThreshold: 3})
		_ = p.Run(t.Context(), works)
		_ = p.Run(t.Context(), works)
		time.Sleep(3 * time.Hour)
		wantState(t, b, policy.StateHalfOpen) // neither of the two hangs
		_ = p.Run(t.Context(), works)
		wantState(t, b, policy.StateClosed)
		time.Sleep(3 * time.Hour)
		wantState(t, b, policy.StateClosed)
	})
}

// A panic never counted, and the place of a probe that panicked was lost.
func TestAPanicInAProbeIsAFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 2})
		func() {
			defer func() { _ = recover() }()
			_ = p.Run(t.Context(), func(context.Context) error { panic("boom") })
		}()
		wantState(t, b, policy.StateOpen)
		time.Sleep(30 * time.Second)
		_ = p.Run(t.Context(), works)
		_ = p.Run(t.Context(), works)
		wantState(t, b, policy.StateClosed)
	})
}

func TestGoexitInAProbeIsAFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 2})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = p.Run(t.Context(), func(context.Context) error { runtime.Goexit(); return nil })
			t.Error("it came back")
		})
		wg.Wait()
		wantState(t, b, policy.StateOpen)
		time.Sleep(30 * time.Second)
		_ = p.Run(t.Context(), works)
		_ = p.Run(t.Context(), works)
		wantState(t, b, policy.StateClosed)
	})
}

// A result that began before the breaker opened was booked into the half-open
// state: an underflow, a breaker that was stuck or closed too early.
func TestAResultFromBeforeAChangeOfStateIsDropped(t *testing.T) {
	for name, late := range map[string]error{"success": nil, "failure": errDown} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute, SuccessThreshold: 2})
				old := []*pending{begin(t, p), begin(t, p), begin(t, p), begin(t, p)}
				trip(t, p, b)
				_ = old[0].end(late)
				wantState(t, b, policy.StateOpen)
				time.Sleep(time.Minute)
				wantState(t, b, policy.StateHalfOpen)
				_ = old[1].end(late)
				_ = old[2].end(late)
				wantState(t, b, policy.StateHalfOpen)
				_ = p.Run(t.Context(), works)
				wantState(t, b, policy.StateHalfOpen)
				_ = p.Run(t.Context(), works)
				wantState(t, b, policy.StateClosed)
				_ = p.Run(t.Context(), always(errDown))
				_ = old[3].end(late) // closed again, but this too is another time
				wantState(t, b, policy.StateClosed)
				_ = p.Run(t.Context(), always(errDown))
				wantState(t, b, policy.StateOpen)
			})
		})
	}
}

func TestAProbeOfAnEarlierHalfOpenIsDropped(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := halfOpen(t, policy.CircuitBreaker{RecoveryTimeout: time.Minute, ProbeTimeout: time.Hour, SuccessThreshold: 3})
		old := begin(t, p)
		_ = p.Run(t.Context(), always(errDown))
		time.Sleep(time.Minute)
		wantState(t, b, policy.StateHalfOpen)
		_ = old.end(errDown)
		wantState(t, b, policy.StateHalfOpen)
		for range 3 {
			if err := p.Run(t.Context(), works); err != nil {
				t.Error(err)
			}
		}
		wantState(t, b, policy.StateClosed)
	})
}

func TestResultsFromBeforeAResetAreDropped(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1})
		old := begin(t, p)
		b.Reset()
		_ = old.end(errDown)
		wantState(t, b, policy.StateClosed)

		p, b = halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 1, ProbeTimeout: time.Hour})
		probe, again := begin(t, p), tryBegin(t.Context(), p)
		wantIs(t, again.err, policy.ErrCircuitOpen)
		b.Reset()
		_ = probe.end(errDown)
		wantState(t, b, policy.StateClosed)
		time.Sleep(2 * time.Hour)
		wantState(t, b, policy.StateClosed) // the probe's timer is gone as well
	})
}

func TestResultsFromBeforeItWasForcedOrDisabledAreDropped(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, take := range []func(*container.CircuitBreaker){(*container.CircuitBreaker).ForceOpen, (*container.CircuitBreaker).Disable} {
			p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 1, ProbeTimeout: time.Hour})
			probe := begin(t, p)
			take(b)
			b.Automatic()
			wantState(t, b, policy.StateHalfOpen)
			_ = probe.end(errDown)
			wantState(t, b, policy.StateHalfOpen)
			if err := p.Run(t.Context(), works); err != nil {
				t.Errorf("the place of the old probe is still taken: %v", err)
			}
			wantState(t, b, policy.StateClosed)
		}
	})
}

// Whatever probes do, half-open ends, and a service that is well again is
// reached.
func TestNoBreakerIsEverStuckHalfOpen(t *testing.T) {
	answers := map[string]func(*pending){
		"success": func(c *pending) { _ = c.end(nil) },
		"failure": func(c *pending) { _ = c.end(errDown) },
		"neutral": func(c *pending) { _ = c.end(policy.Permanent(errNo)) },
		"panic":   func(c *pending) { c.abandon() },
		"hangs":   func(*pending) {},
	}
	for a, first := range answers {
		for bb, second := range answers {
			for c, third := range answers {
				virtual(t, func(t *testing.T) {
					p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 3, RecoveryTimeout: time.Minute, ProbeTimeout: time.Minute})
					probes := []*pending{begin(t, p), begin(t, p), begin(t, p)}
					for n, answer := range []func(*pending){first, second, third} {
						answer(probes[n])
					}
					synctest.Wait()
					for n := 0; b.State() != policy.StateClosed; n++ {
						if n == 10 {
							t.Fatalf("%s, %s, %s: still %v after ten minutes", a, bb, c, b.State())
						}
						for range 3 {
							_ = p.Run(t.Context(), works)
						}
						time.Sleep(time.Minute)
						synctest.Wait()
					}
				})
			}
		}
	}
}

// A probe that its policy lets run for two minutes was taken for one that hangs
// after half a minute.
func TestAProbeMayTakeAsLongAsItsPolicyAllows(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, tt := range []struct {
			name   string
			spec   policy.CircuitBreaker
			within []policy.Policy
			want   policy.State
		}{
			{"two minutes", policy.CircuitBreaker{}, []policy.Policy{policy.Timeout(2 * time.Minute)}, policy.StateClosed},
			{"a minute is said for probes", policy.CircuitBreaker{ProbeTimeout: time.Minute}, []policy.Policy{policy.Timeout(2 * time.Minute)}, policy.StateOpen},
			{"nothing is said of attempts", policy.CircuitBreaker{}, nil, policy.StateOpen},
			{"of several attempts", policy.CircuitBreaker{}, []policy.Policy{policy.Retry{}, policy.Timeout(2 * time.Minute)}, policy.StateOpen},
		} {
			o := newOrchestrator(t, policy.Catalog{})
			tt.spec.FailureThreshold, tt.spec.SuccessThreshold = 1, 1
			b := registered(t, o, "b", tt.spec)
			p := pipelineFor(t, o, "op", append([]policy.Policy{policy.CircuitBreaker{Name: "b"}}, tt.within...)...)
			trip(t, pipelineFor(t, o, "another", policy.CircuitBreaker{Name: "b"}), b)
			time.Sleep(time.Second)
			_ = p.Run(t.Context(), ignores(90*time.Second, nil))
			if got := b.Status().State; got != tt.want && (tt.want != policy.StateOpen || got == policy.StateClosed) {
				t.Errorf("%s: the breaker is %v, want %v", tt.name, got, tt.want)
			}
		}
	})
}
