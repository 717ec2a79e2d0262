package container_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

type declared struct {
	policy policy.Policy
	answer string
	err    error
}

func (*declared) OperationID() string                       { return "declared" }
func (d *declared) ResiliencePolicy() policy.Policy         { return d.policy }
func (d *declared) Execute(context.Context) (string, error) { return d.answer, d.err }

// A closure that captures something is an allocation, which is the caller's.
func TestDoAndExecuteAllocateNothingOfTheirOwn(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		name  string
		p     policy.Policy
		proxy float64 // what a call through a proxy allocates
	}{
		{"none", policy.None{}, 0},
		{"breaker", policy.CircuitBreaker{}, 0},
		{"all", policy.Combine(policy.Retry{}, policy.RateLimit{RequestsPerSecond: 1e6, Burst: 1e6}, policy.CircuitBreaker{}, policy.Timeout(time.Minute)), 1},
	} {
		o := newOrchestrator(t, policy.Catalog{})
		r, err := o.For(tt.name, tt.p)
		if err != nil {
			t.Fatal(err)
		}
		ctx, want := t.Context(), "there"
		if got := testing.AllocsPerRun(500, func() {
			got, err := policy.Do(ctx, r, func(context.Context) (string, error) { return want, nil })
			if got != want || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		}); got > tt.proxy+1 {
			t.Errorf("%s: Do makes %v allocations, a proxy %v", tt.name, got, tt.proxy)
		}
		op := &declared{policy: tt.p, answer: want}
		if got := testing.AllocsPerRun(500, func() {
			got, err := policy.Execute(ctx, o, op)
			if got != want || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		}); got > tt.proxy {
			t.Errorf("%s: Execute makes %v allocations, a proxy %v", tt.name, got, tt.proxy)
		}
	}
}

// overdue is a context that panics when it is asked whether it is over.
type overdue struct{ context.Context }

func (overdue) Err() error { panic("asked too often") }

// What Do holds a call in is used again: it must not hold anything of the last one,
// or a call that never came to the breaker would give back a permit that it
// never had.
func TestACallRemembersNothingOfAnother(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 1})
	p := pipelineFor(t, o, "op", policy.Retry{}, policy.CircuitBreaker{Name: "b"}, policy.Timeout(time.Minute))
	for range 100 {
		if _, err := policy.Do(t.Context(), p, func(context.Context) (int, error) { return 1, nil }); err != nil {
			t.Fatal(err)
		}
		if got := recovered(func() {
			_, _ = policy.Do(overdue{t.Context()}, p, func(context.Context) (int, error) { return 1, nil })
		}); got != "asked too often" {
			t.Fatalf("recovered %v", got)
		}
		if b.State() != policy.StateClosed {
			t.Fatal("a call that never came to the breaker tripped it")
		}
	}
}

// Calls within calls, failures, panics and goroutines that end all use the same
// store, and none gets what another still has.
func TestCallsWithinCalls(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	outer := pipelineFor(t, o, "outer", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Minute))
	inner := pipelineFor(t, o, "inner", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)})
	bare := pipelineFor(t, o, "bare")
	var wg sync.WaitGroup
	const goroutines, each = 8, 200
	for g := range goroutines {
		wg.Go(func() {
			for i := range each {
				want := g*each + i
				got, err := policy.Do(t.Context(), outer, func(ctx context.Context) (int, error) {
					if _, err := policy.Do(ctx, bare, func(context.Context) (int, error) { return 0, nil }); err != nil {
						return 0, err
					}
					switch i % 4 {
					case 0:
						_ = recovered(func() {
							_, _ = policy.Do(ctx, inner, func(context.Context) (int, error) { panic("inner") })
						})
					case 1:
						inGoroutine(func() {
							_, _ = policy.Do(ctx, inner, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
						})
					}
					calls := 0
					return policy.Do(ctx, inner, func(context.Context) (int, error) {
						if calls++; calls == 1 {
							return -1, errDown
						}
						return want, nil
					})
				})
				if got != want || err != nil {
					t.Errorf("got %d, %v, want %d", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
	const n = goroutines * each
	m := o.Metrics().Operations
	for id, want := range map[string]policy.Totals{
		"outer": {TotalOperations: n, SuccessfulOperations: n},
		"bare":  {TotalOperations: n, SuccessfulOperations: n},
		"inner": {TotalOperations: n + n/2, SuccessfulOperations: n, FailedOperations: n / 2, RetryAttempts: n},
	} {
		if m[id] != want {
			t.Errorf("%s: %+v, want %+v", id, m[id], want)
		}
	}
}

// The value that an operation fails with is that of its last attempt.
func TestDoReturnsTheValueOfTheLastAttempt(t *testing.T) {
	p, _ := under(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)})
	calls := 0
	got, err := policy.Do(t.Context(), p, func(context.Context) (int, error) { calls++; return calls, errDown })
	if got != 3 || !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("got %d, %v", got, err)
	}
}
