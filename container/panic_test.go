package container_test

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// recovered runs f and returns what it panicked with.
func recovered(f func()) (r any) {
	defer func() { r = recover() }()
	f()
	return nil
}

// inGoroutine runs f in a goroutine that it may end, and waits for that.
func inGoroutine(f func()) {
	var wg sync.WaitGroup
	wg.Go(f)
	wg.Wait()
}

var everyLayer = []policy.Policy{
	policy.Timeout(time.Minute),
	policy.Retry{Backoff: policy.Fixed(0)},
	policy.RateLimit{RequestsPerSecond: 1e9, Burst: 1e6},
	policy.CircuitBreaker{Name: "b"},
	policy.Timeout(time.Second),
}

func TestAPanicGoesOnUnchangedAndCounts(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 3})
	p := pipelineFor(t, o, "op", everyLayer...)
	calls := 0
	for range 3 {
		var kept context.Context
		got := recovered(func() {
			_ = p.Run(t.Context(), func(ctx context.Context) error {
				calls++
				kept = ctx
				panic(errDown)
			})
		})
		if got != any(errDown) {
			t.Errorf("recovered %v", got)
		}
		if !errors.Is(kept.Err(), context.Canceled) {
			t.Errorf("the attempt's context is %v", kept.Err())
		}
	}
	if calls != 3 {
		t.Errorf("%d attempts: a panic is not retried", calls)
	}
	wantState(t, b, policy.StateOpen)
	want := policy.Totals{TotalOperations: 3, FailedOperations: 3, CircuitBreakerTrips: 1}
	if got := o.Metrics().Totals; got != want {
		t.Errorf("metrics are %+v, want %+v", got, want)
	}
}

// What recovers a panic and panics anew hides where it came from.
func TestThePanicsStackIsTheCallees(t *testing.T) {
	p, _ := under(t, policy.Retry{}, policy.CircuitBreaker{})
	var stack string
	func() {
		defer func() {
			_ = recover()
			stack = string(debug.Stack())
		}()
		_ = p.Run(t.Context(), deepInside)
	}()
	if !strings.Contains(stack, "deepInside") {
		t.Errorf("the stack does not show the callee:\n%s", stack)
	}
}

func deepInside(context.Context) error { panic("boom") }

func TestGoexitGoesOnAndCounts(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 2})
	p := pipelineFor(t, o, "op", everyLayer...)
	for range 2 {
		deferred := false
		inGoroutine(func() {
			defer func() { deferred = true }()
			_ = p.Run(t.Context(), func(context.Context) error { runtime.Goexit(); return nil })
			t.Error("it came back")
		})
		if !deferred {
			t.Error("the caller's own deferred function did not run")
		}
	}
	wantState(t, b, policy.StateOpen)
	if got := o.Metrics().Totals; got.FailedOperations != 2 || got.TotalOperations != 2 {
		t.Errorf("metrics are %+v", got)
	}
}

func TestAPanicWithoutAPolicyIsCountedToo(t *testing.T) {
	p, o := under(t)
	if got := recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { panic("boom") }) }); got != "boom" {
		t.Errorf("recovered %v", got)
	}
	if got := o.Metrics().Totals; got != (policy.Totals{TotalOperations: 1, FailedOperations: 1}) {
		t.Errorf("metrics are %+v", got)
	}
}

func TestAPanicAfterAFailedAttempt(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 3})
	p := pipelineFor(t, o, "op", everyLayer...)
	n := 0
	_ = recovered(func() {
		_ = p.Run(t.Context(), func(context.Context) error {
			if n++; n == 2 {
				panic("boom")
			}
			return errDown
		})
	})
	wantState(t, b, policy.StateClosed) // two failures
	_ = pipelineFor(t, o, "another", policy.CircuitBreaker{Name: "b"}).Run(t.Context(), always(errDown))
	wantState(t, b, policy.StateOpen) // three
}

func TestAPanicGivesBackTheProbesPlaces(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		spec := policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Second, SuccessThreshold: 1}
		outer, inner := registered(t, o, "outer", spec), registered(t, o, "inner", spec)
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "outer"}, policy.CircuitBreaker{Name: "inner"})
		for range 5 {
			_ = recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { panic("boom") }) })
			for _, b := range []*container.CircuitBreaker{outer, inner} {
				wantState(t, b, policy.StateOpen)
			}
			time.Sleep(time.Second)
		}
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		wantState(t, outer, policy.StateClosed)
		wantState(t, inner, policy.StateClosed)
	})
}
