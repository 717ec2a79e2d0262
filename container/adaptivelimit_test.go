package container_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// workers is a dependency with so many workers, and a queue in front of them.
type workers struct{ places chan struct{} }

func newWorkers(n int) *workers { return &workers{make(chan struct{}, n)} }

// call takes 50ms on average, and as long as it waits for a worker.
func (w *workers) call(ctx context.Context) error {
	select {
	case w.places <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.places }()
	return wait(ctx, 1+time.Duration(rand.ExpFloat64()*50)*time.Millisecond)
}

// onlyBulkhead is that of an orchestrator that has one.
func onlyBulkhead(t *testing.T, o *container.Orchestrator) *container.Bulkhead {
	t.Helper()
	all := o.Bulkheads()
	if len(all) != 1 {
		t.Fatalf("%d bulkheads", len(all))
	}
	return all[0]
}

// flood has callers by so many a second for a while, and returns how many were served
// and how many refused.
func flood(t *testing.T, call func(context.Context) error, perSecond int, lasts time.Duration) (served, refused int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for start := time.Now(); time.Since(start) < lasts; time.Sleep(time.Second / time.Duration(perSecond)) {
		wg.Go(func() {
			err := call(context.Background())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				served++
			case errors.Is(err, policy.ErrBulkheadFull):
				refused++
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	return served, refused
}

// A dependency that loses most of its workers is met by as many calls as it takes,
// and gets more when they are back.
func TestAnAdaptiveLimitFollowsTheDependency(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.AdaptiveLimit{})
		b := onlyBulkhead(t, o)
		if b.Limit().MaxConcurrent != policy.DefaultInitialLimit || b.Name() != "op" {
			t.Errorf("%q begins with %v", b.Name(), b.Limit())
		}
		if s, ok := b.Adaptive(); !ok || s != (container.AdaptiveStatus{Min: policy.DefaultMinLimit, Max: policy.DefaultMaxLimit}) {
			t.Errorf("before any call: %+v, %v", s, ok)
		}
		through := func(w *workers) func(context.Context) error {
			return func(ctx context.Context) error { return p.Run(ctx, w.call) }
		}
		flood(t, through(newWorkers(20)), 500, time.Minute)
		many := b.Limit().MaxConcurrent
		served, refused := flood(t, through(newWorkers(4)), 500, time.Minute)
		few := b.Limit().MaxConcurrent
		if many < 15 || few > 16 || few >= many || served < 3000 || refused < 10_000 {
			t.Errorf("with 20 workers the limit is %d, with 4 %d; %d calls were served and %d refused", many, few, served, refused)
		}
		flood(t, through(newWorkers(20)), 500, time.Minute)
		if again := b.Limit().MaxConcurrent; again < 15 {
			t.Errorf("with 20 again it is %d", again)
		}
		if s, _ := b.Adaptive(); s.Unloaded < 20*time.Millisecond || s.Unloaded > 100*time.Millisecond {
			t.Errorf("most calls take less than 50ms, and it has found %v", s.Unloaded)
		}
		wantStatus(t, b, 0, 0)
		if m := o.Metrics(); m.BulkheadRejections < 10_000 || m.FailedOperations != m.BulkheadRejections {
			t.Errorf("metrics %+v", m.Totals)
		}
	})
}

// Whatever becomes of calls, their permits are there again.
func TestAnAdaptiveLimitLosesNoPermit(t *testing.T) {
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
		"timeout":  func(p *container.Pipeline) { _ = p.Run(context.Background(), waits(time.Hour)) },
		"finished": func(p *container.Pipeline) { _ = open(context.Background(), t, p).Finish(nil, policy.Unknown) },
		"left":     func(p *container.Pipeline) { _ = open(context.Background(), t, p).Leave(errDown) },
	} {
		virtual(t, func(t *testing.T) {
			p, o := under(t, policy.Retry{MaxAttempts: 2}, policy.AdaptiveLimit{Min: 2}, policy.Timeout(time.Second))
			var wg sync.WaitGroup
			for range 200 {
				wg.Go(func() { call(p) })
				time.Sleep(20 * time.Millisecond)
			}
			wg.Wait()
			synctest.Wait()
			if got := onlyBulkhead(t, o).Status(); got != (container.BulkheadStatus{}) {
				t.Errorf("%s: %+v", name, got)
			}
		})
	}
}

// What is refused within was not asked, and says nothing of how long calls take.
func TestAnAdaptiveLimitLearnsOnlyFromTheDependency(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{})
		p := pipelineFor(t, o, "op", policy.AdaptiveLimit{}, policy.CircuitBreaker{Name: "b"})
		b.ForceOpen()
		for range 10_000 {
			wantIs(t, p.Run(t.Context(), works), policy.ErrCircuitOpen)
			time.Sleep(time.Millisecond)
		}
		if got := onlyBulkhead(t, o).Limit().MaxConcurrent; got != policy.DefaultInitialLimit {
			t.Errorf("the limit is %d", got)
		}
	})
}

// A reload leaves the limit what it has come to be, within the new bounds, and those
// under way their permits.
func TestReloadKeepsAnAdaptiveLimit(t *testing.T) {
	virtual(t, func(t *testing.T) {
		catalog := func(l policy.AdaptiveLimit) policy.Catalog { return one("p", l) }
		o := newOrchestrator(t, catalog(policy.AdaptiveLimit{}))
		p, err := o.Pipeline("p")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorkers(60)
		flood(t, func(ctx context.Context) error { return p.Run(ctx, w.call) }, 2000, 30*time.Second)
		b := onlyBulkhead(t, o)
		was := b.Limit().MaxConcurrent
		if was < 40 {
			t.Fatalf("the limit is %d", was)
		}
		release := holding(t.Context(), p.(*container.Pipeline), 5)
		for _, tt := range []struct {
			spec policy.AdaptiveLimit
			want int
		}{
			{policy.AdaptiveLimit{Initial: 10, MaxWait: time.Second}, was},
			{policy.AdaptiveLimit{Max: 30}, 30},
			{policy.AdaptiveLimit{Min: 50}, 50},
		} {
			reload(t, o, catalog(tt.spec))
			if got := onlyBulkhead(t, o); got != b || got.Limit().MaxConcurrent != tt.want || got.Limit().MaxWait != tt.spec.MaxWait {
				t.Errorf("%v: %v, want a limit of %d", tt.spec, got.Limit(), tt.want)
			}
			wantStatus(t, b, 5, 0)
		}
		release()
		wantStatus(t, b, 0, 0)
		reload(t, o, one("p", policy.Bulkhead{MaxConcurrent: 3}))
		if got := onlyBulkhead(t, o); got == b || got.Limit().MaxConcurrent != 3 {
			t.Errorf("a bulkhead in its place: %v", got.Limit())
		}
	})
}

// It may stand beside a bulkhead, and neither takes the other's name.
func TestAnAdaptiveLimitHasANameOfItsOwn(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{Bulkheads: map[string]policy.Bulkhead{"named": {MaxConcurrent: 1}}})
	p := pipelineFor(t, o, "op", policy.Bulkhead{MaxConcurrent: 7}, policy.AdaptiveLimit{}, policy.AdaptiveLimit{Initial: 5}, policy.Bulkhead{MaxConcurrent: 9})
	if err := p.Run(t.Context(), works); err != nil {
		t.Error(err)
	}
	seen := map[string]int{}
	for _, b := range o.Bulkheads() {
		seen[b.Name()] = b.Limit().MaxConcurrent
		if found, ok := o.Bulkhead(b.Name()); !ok || found != b {
			t.Errorf("%s finds %v", b.Name(), found)
		}
		if b.Name() != "named" {
			wantStatus(t, b, 0, 0)
		}
	}
	if len(seen) != 5 {
		t.Errorf("bulkheads %v", seen)
	}
}

func TestAnAdaptiveLimitUnderLoad(t *testing.T) {
	p, o := under(t, policy.AdaptiveLimit{Initial: 3, Min: 2, Max: 4, MaxWait: time.Millisecond})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				_ = p.Run(context.Background(), func(context.Context) error { runtime.Gosched(); return nil })
			}
		})
	}
	wg.Wait()
	wantStatus(t, onlyBulkhead(t, o), 0, 0)
	if got := o.Metrics().TotalOperations; got != 4000 {
		t.Errorf("%d operations", got)
	}
}
