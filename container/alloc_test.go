package container_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// What a call may allocate, by the shape of its policy.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	retry, breaker := policy.Retry{}, policy.CircuitBreaker{}
	limit, timeout := policy.RateLimit{RequestsPerSecond: 1e12, Burst: 1e9}, policy.Timeout(time.Minute)
	permits := policy.Bulkhead{MaxConcurrent: 10, MaxWait: time.Second, Reserve: 0.2}
	for _, tt := range []struct {
		name   string
		layers []policy.Policy
		most   float64
	}{
		{"none", nil, 0},
		{"retry", []policy.Policy{retry}, 0},
		{"retry with a budget", []policy.Policy{policy.Retry{Budget: 0.1}}, 0},
		{"breaker", []policy.Policy{breaker}, 0},
		{"breaker with a window", []policy.Policy{policy.CircuitBreaker{FailureRate: 0.5, Window: time.Minute}}, 0},
		{"breaker that times its calls", []policy.Policy{policy.CircuitBreaker{SlowCall: time.Minute}}, 0},
		{"adaptive limit", []policy.Policy{policy.AdaptiveLimit{}}, 0},
		{"rate limit", []policy.Policy{limit}, 0},
		{"rate limit with a wait", []policy.Policy{policy.RateLimit{RequestsPerSecond: 1e12, Burst: 1e9, MaxWait: time.Second}}, 0},
		{"bulkhead", []policy.Policy{permits}, 0},
		{"retry, rate limit, bulkhead and breaker", []policy.Policy{retry, limit, permits, breaker}, 0},
		{"retry, rate limit and breaker", []policy.Policy{retry, limit, breaker}, 0},
		{"timeout", []policy.Policy{timeout}, 1},
		{"all four", []policy.Policy{retry, limit, breaker, timeout}, 1},
		{"all four, the timeout outside", []policy.Policy{timeout, retry, limit, breaker}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, o := under(t, tt.layers...)
			ctx := context.Background()
			g := gateway(&gatewayProxy{next: instant{}, charge: p})
			for name, call := range map[string]func(){
				"proxy": func() {
					if _, err := g.Charge(ctx, 1); err != nil {
						t.Error(err)
					}
				},
				"Run": func() {
					if err := p.Run(ctx, works); err != nil {
						t.Error(err)
					}
				},
			} {
				if got := testing.AllocsPerRun(200, call); got > tt.most {
					t.Errorf("%s: %v allocations a call, want at most %v", name, got, tt.most)
				}
			}
			if tt.layers != nil && o.Metrics().SuccessfulOperations != 2*201 {
				t.Errorf("what was measured did not run: %+v", o.Metrics().Totals)
			}
		})
	}
}

func TestAnOpenCircuitRejectsWithOneAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p, b := broken(t, policy.CircuitBreaker{})
	g := gateway(&gatewayProxy{next: instant{}, charge: p})
	rejected := 0
	measure := func() float64 {
		return testing.AllocsPerRun(200, func() {
			if _, err := g.Charge(context.Background(), 1); err != nil {
				rejected++
			}
		})
	}
	trip(t, p, b)
	if got := measure(); got > 1 {
		t.Errorf("open: %v allocations", got)
	}
	b.ForceOpen()
	if got := measure(); got > 1 {
		t.Errorf("forced open: %v allocations", got)
	}
	if rejected != 2*201 {
		t.Errorf("%d rejections", rejected)
	}
}

func TestARateLimiterRejectsWithOneAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p, _ := limited(t, policy.RateLimit{RequestsPerSecond: 1e-9, Burst: 1})
	rejected := 0
	if got := testing.AllocsPerRun(200, func() {
		if p.Run(context.Background(), works) != nil {
			rejected++
		}
	}); got > 1 {
		t.Errorf("%v allocations", got)
	}
	if rejected != 200 {
		t.Errorf("%d rejections", rejected)
	}
}

func TestABulkheadRejectsWithOneAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p, _ := under(t, policy.Bulkhead{MaxConcurrent: 1})
	_ = p.Run(t.Context(), func(ctx context.Context) error {
		if got := testing.AllocsPerRun(200, func() {
			if p.Run(ctx, works) == nil {
				t.Error("a second one came in")
			}
		}); got > 1 {
			t.Errorf("%v allocations", got)
		}
		return nil
	})
}

// Once nobody waits any more, calls take the short way again.
func TestAfterAWaitCallsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	p, l := limited(t, policy.RateLimit{RequestsPerSecond: 1e6, Burst: 1000, MaxWait: time.Second})
	for l.Tokens() >= 1 {
		_ = p.Run(t.Context(), works)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { _ = p.Run(t.Context(), works) })
	}
	wg.Wait()
	for l.Tokens() < 500 { // half a millisecond of real time
		runtime.Gosched()
	}
	if got := testing.AllocsPerRun(100, func() { _ = p.Run(context.Background(), works) }); got > 0 {
		t.Errorf("%v allocations a call", got)
	}
}

// An operation is found again by its id and policy, which its domain builds anew
// at each call.
func TestFindingAPipelineAgainDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o := newOrchestrator(t, policy.Catalog{})
	p := policy.Combine(policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Second))
	var first policy.Runner
	if got := testing.AllocsPerRun(200, func() {
		r, err := o.For("op", p)
		if err != nil || first != nil && r != first {
			t.Errorf("another pipeline, or %v", err)
		}
		first = r
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

// A partition is found by its key, which allocates nothing either.
func TestFindingAPartitionDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	o := newOrchestrator(t, policy.Catalog{})
	r, err := o.For("op", policy.CircuitBreaker{})
	if err != nil {
		t.Fatal(err)
	}
	p := r.(*container.Pipeline)
	ctx, keys := t.Context(), []string{"tenant-1", "tenant-2", "tenant-3"}
	if got := testing.AllocsPerRun(200, func() {
		for _, key := range keys {
			var err error
			call := p.Begin(ctx)
			call.Partition(key)
			for call.Next(&err) {
				err = nil
			}
			call.End()
		}
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

// instant is a dependency that answers at once.
type instant struct{}

func (instant) Charge(context.Context, int) (string, error) { return "receipt", nil }
func (instant) Refund(context.Context, string) error        { return nil }
func (instant) Close() error                                { return nil }
