package container_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Many goroutines with every outcome, late ones too, and operators at the
// controls: changes follow each other, and in the end the service is reached.
func TestABreakerUnderConcurrency(t *testing.T) {
	var mu sync.Mutex
	last, changes := policy.StateClosed, 0
	p, b := broken(t, policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: 20 * time.Microsecond, SuccessThreshold: 2, ProbeTimeout: 200 * time.Microsecond},
		container.OnTransition(func(c container.Transition) {
			mu.Lock()
			defer mu.Unlock()
			if c.From != last || c.From == c.To {
				t.Errorf("from %v to %v, after it was %v", c.From, c.To, last)
			}
			last = c.To
			changes++
		}))
	var wg sync.WaitGroup
	for w := range 6 {
		random := rand.New(rand.NewPCG(uint64(w), 11))
		wg.Go(func() {
			var late []*pending
			for range scale(4000) {
				c := tryBegin(t.Context(), p)
				if c.err != nil {
					runtime.Gosched()
					continue
				}
				switch random.IntN(10) {
				case 0, 1:
					_ = c.end(errDown)
				case 2:
					_ = c.end(policy.Permanent(errNo))
				case 3:
					c.abandon()
				case 4:
					late = append(late, c)
				default:
					_ = c.end(nil)
				}
				if len(late) > 20 {
					for _, c := range late {
						_ = c.end([]error{nil, errDown}[random.IntN(2)])
					}
					late = nil
				}
			}
		})
	}
	wg.Go(func() {
		for n := range scale(500) {
			[]func(){b.ForceOpen, b.Automatic, b.Disable, b.Automatic, b.Reset, func() { b.State() }}[n%6]()
			runtime.Gosched()
		}
	})
	wg.Wait()
	b.Automatic()
	mu.Lock()
	if changes < 10 {
		t.Errorf("only %d changes: nothing was tested", changes)
	}
	mu.Unlock()
	reached := 0
	for range 100_000 {
		if err := p.Run(t.Context(), works); err == nil {
			if reached++; reached == 10 && b.State() == policy.StateClosed {
				return
			}
		} else if !errors.Is(err, policy.ErrCircuitOpen) {
			t.Fatal(err)
		}
		runtime.Gosched()
	}
	t.Errorf("the service is well, but was reached %d times: the breaker is %v", reached, b.State())
}

// The trip is one, however many failures come at once.
func TestFailuresAtOnceTripOnce(t *testing.T) {
	for range scale(200) {
		o := newOrchestrator(t, policy.Catalog{})
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{FailureThreshold: 4, RecoveryTimeout: time.Hour})
		calls := make([]*pending, 16)
		for n := range calls {
			calls[n] = begin(t, p)
		}
		var wg sync.WaitGroup
		for _, c := range calls {
			wg.Go(func() { _ = c.end(errDown) })
		}
		wg.Wait()
		if got := o.Metrics(); got.CircuitBreakerTrips != 1 || got.FailedOperations != 16 {
			t.Fatalf("metrics are %+v", got.Totals)
		}
	}
}

// As many probes as must succeed, and not one more, however many come at once.
func TestProbesAtOnce(t *testing.T) {
	for range scale(200) {
		virtual(t, func(t *testing.T) {
			p, b := halfOpen(t, policy.CircuitBreaker{SuccessThreshold: 3})
			var mu sync.Mutex
			var admitted []*pending
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					if c := tryBegin(t.Context(), p); c.err == nil {
						mu.Lock()
						defer mu.Unlock()
						admitted = append(admitted, c)
					}
				})
			}
			wg.Wait()
			if len(admitted) != 3 {
				t.Fatalf("%d probes at once, want 3", len(admitted))
			}
			for _, c := range admitted {
				wg.Go(func() { _ = c.end(nil) })
			}
			wg.Wait()
			wantState(t, b, policy.StateClosed)
		})
	}
}

// Failures in a row are counted without a lock, and every one of them is.
func TestNoFailureIsLost(t *testing.T) {
	const goroutines, each = 8, 500
	for _, tt := range []struct {
		threshold uint32
		want      policy.State
	}{{goroutines * each, policy.StateOpen}, {goroutines*each + 1, policy.StateClosed}} {
		p, b := broken(t, policy.CircuitBreaker{FailureThreshold: tt.threshold, RecoveryTimeout: time.Hour})
		var wg sync.WaitGroup
		for range goroutines {
			wg.Go(func() {
				for range each {
					_ = p.Run(t.Context(), always(errDown))
				}
			})
		}
		wg.Wait()
		if got := b.State(); got != tt.want {
			t.Errorf("after %d failures in a row the breaker that trips at %d is %v", goroutines*each, tt.threshold, got)
		}
	}
}
