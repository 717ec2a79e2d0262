package container_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

var slowBreaker = policy.CircuitBreaker{SlowCall: time.Second, MinRequests: 10, RecoveryTimeout: time.Minute, SuccessThreshold: 1}

// Only what ended counted: a dependency that hung was called until its first
// timeout, by everybody.
func TestADependencyThatHangsTripsBeforeTheFirstTimeoutEnds(t *testing.T) {
	virtual(t, func(t *testing.T) {
		j := &journal{}
		var over atomic.Bool // what times out then does so in many goroutines
		o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(func(ctx context.Context, e container.Event) {
			if !over.Load() {
				j.event(ctx, e)
			}
		}))
		p := pipelineFor(t, o, "op", slowBreaker, policy.Timeout(30*time.Second))
		for range 10 {
			go func() { _ = p.Run(context.Background(), waits(time.Hour)) }()
		}
		synctest.Wait()
		time.Sleep(1200 * time.Millisecond)
		wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		j.want(t,
			"Transition{Name:op PartitionOf: From:closed To:open At:0001-01-01 00:00:00 +0000 UTC}",
			"Tripped{Operation:op Name:op Err:<nil> Slow:true}",
			"Rejected{Operation:op Reason:circuit_open Name:op RetryAfter:1m0s}")
		over.Store(true)
		time.Sleep(30 * time.Second) // what timed out since says nothing more
		if got := o.Metrics(); got.CircuitBreakerTrips != 1 || got.TimeoutCount != 10 {
			t.Errorf("metrics %+v", got.Totals)
		}
	})
}

// A dependency that answers, but slowly, is no success for those who wait for it.
func TestSlowSuccessesTripAndSlowProbesFail(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, slowBreaker)
		for range 10 {
			wantState(t, b, policy.StateClosed)
			if err := p.Run(t.Context(), waits(time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		wantState(t, b, policy.StateOpen)
		time.Sleep(time.Minute)
		if err := p.Run(t.Context(), waits(time.Second)); err != nil {
			t.Errorf("the probe: %v", err)
		}
		wantState(t, b, policy.StateOpen)
		time.Sleep(time.Minute)
		if err := p.Run(t.Context(), works); err != nil {
			t.Errorf("the probe: %v", err)
		}
		wantState(t, b, policy.StateClosed)
	})
}

// Whatever becomes of calls, none is left that seems to be under way.
func TestNoCallIsTakenToBeUnderWayThatHasEnded(t *testing.T) {
	for name, call := range map[string]func(p *container.Pipeline){
		"success": func(p *container.Pipeline) { _ = p.Run(context.Background(), works) },
		"failure": func(p *container.Pipeline) { _ = p.Run(context.Background(), always(errDown)) },
		"panic": func(p *container.Pipeline) {
			defer func() { _ = recover() }()
			_ = p.Run(context.Background(), func(context.Context) error { panic("oh") })
		},
		"Goexit": func(p *container.Pipeline) {
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = p.Run(context.Background(), func(context.Context) error { runtime.Goexit(); return nil })
			}()
			<-done
		},
		"cancelled": func(p *container.Pipeline) {
			ctx, cancel := context.WithCancel(context.Background())
			_ = p.Run(ctx, func(ctx context.Context) error { cancel(); return ctx.Err() })
		},
		"answer":   func(p *container.Pipeline) { _ = p.Run(context.Background(), always(policy.Answer(errDown))) },
		"refusal":  func(p *container.Pipeline) { _ = p.Run(context.Background(), always(policy.Permanent(errDown))) },
		"timed":    func(p *container.Pipeline) { _ = p.Run(context.Background(), waits(time.Hour)) },
		"finished": func(p *container.Pipeline) { _ = open(context.Background(), t, p).Finish(nil, policy.Unknown) },
		"left":     func(p *container.Pipeline) { _ = open(context.Background(), t, p).Leave(errDown) },
		"refused within": func(p *container.Pipeline) {
			_ = p.Run(context.Background(), always(&policy.RateLimitedError{}))
		},
	} {
		virtual(t, func(t *testing.T) {
			spec := slowBreaker
			spec.MinRequests, spec.FailureThreshold = 1, 1000
			p, o := under(t, spec, policy.Timeout(time.Second/2))
			for range 20 {
				call(p)
			}
			for range 20 {
				time.Sleep(time.Second / 4)
				_ = p.Run(t.Context(), works)
			}
			if got := o.Metrics().CircuitBreakerTrips; got != 0 {
				t.Errorf("%s: the breaker tripped, for a call that has ended", name)
			}
		})
	}
}

// A body that is still being read is under way.
func TestAResultInUseIsUnderWay(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := slowBreaker
		spec.MinRequests = 1
		p, _ := under(t, spec)
		kept := open(t.Context(), t, p)
		time.Sleep(1200 * time.Millisecond)
		wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
		_ = kept.Finish(nil, policy.Unknown)
	})
}

func TestARampLetsCallsInGradually(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute, SuccessThreshold: 1, Ramp: 10 * time.Second})
		trip(t, p, b)
		time.Sleep(time.Minute)
		if err := p.Run(t.Context(), works); err != nil {
			t.Fatal(err)
		}
		wantState(t, b, policy.StateClosed)
		var in []int
		for range 11 {
			n := 0
			for range 100 {
				err := p.Run(t.Context(), works)
				if err == nil {
					n++
					continue
				}
				wantIs(t, err, policy.ErrCircuitOpen)
				if after, _ := policy.RetryAfter(err); after <= 0 || after > 10*time.Second {
					t.Errorf("told to come back in %v", after)
				}
			}
			in = append(in, n)
			time.Sleep(time.Second)
		}
		if !slices.IsSorted(in) || in[0] > 12 || in[5] < 50 || in[5] > 60 || in[10] != 100 {
			t.Errorf("of 100 each second %v were let in", in)
		}
	})
}

// Reloads that say when a call is slow, for how long it is open or how it closes
// leave breakers as they are.
func TestReloadOfSlowSettingsKeepsTheState(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Minute}
		catalog := func() policy.Catalog {
			return policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"b": spec}}
		}
		o := newOrchestrator(t, catalog())
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"})
		b, _ := o.CircuitBreaker("b")
		_ = p.Run(t.Context(), always(errDown))
		spec.SlowCall = time.Second
		reload(t, o, catalog())
		_ = p.Run(t.Context(), always(errDown))
		wantState(t, b, policy.StateOpen)
		for _, change := range []func(){
			func() { spec.SlowCall = 2 * time.Second },
			func() { spec.SlowRate = 0.25 },
			func() { spec.RecoveryJitter = 0.5 },
			func() { spec.Ramp = time.Second },
			func() { spec.SlowCall, spec.SlowRate = 0, 0 },
		} {
			change()
			reload(t, o, catalog())
			wantState(t, b, policy.StateOpen)
		}
	})
}

// Under load and reloads at once nothing is lost.
func TestSlowCallsUnderLoadAndReload(t *testing.T) {
	spec := slowBreaker
	spec.SlowCall, spec.MinRequests, spec.Ramp, spec.RecoveryTimeout = time.Millisecond, 1, time.Millisecond, time.Millisecond
	o := newOrchestrator(t, policy.Catalog{Policies: map[string]policy.Policy{"p": spec}})
	p, err := o.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for range 2000 {
				err := p.Run(context.Background(), func(context.Context) error {
					for range n * 100 {
						runtime.Gosched()
					}
					return nil
				})
				if err != nil && !strings.Contains(err.Error(), "circuit") {
					t.Error(err)
				}
			}
		})
	}
	wg.Go(func() {
		for n := range 100 {
			spec.SlowCall = time.Duration(n%3) * time.Millisecond
			spec.FailureThreshold = uint32(1 + n%2)
			reload(t, o, policy.Catalog{Policies: map[string]policy.Policy{"p": spec}})
		}
	})
	wg.Wait()
	if m := o.Metrics(); m.TotalOperations != 8000 {
		t.Errorf("%d operations", m.TotalOperations)
	}
}
