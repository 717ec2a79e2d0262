package container_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// crowded returns a pipeline of layers around a registered bulkhead and of others
// within, and the bulkhead.
func crowded(t *testing.T, spec policy.Bulkhead, layers ...policy.Policy) (*container.Orchestrator, *container.Pipeline, *container.Bulkhead) {
	t.Helper()
	o := newOrchestrator(t, policy.Catalog{Bulkheads: map[string]policy.Bulkhead{"h": spec}})
	b, ok := o.Bulkhead("h")
	if !ok {
		t.Fatal("no bulkhead")
	}
	return o, pipelineFor(t, o, "op", layers...), b
}

// holding has n calls stay in p until release is called.
func holding(ctx context.Context, p *container.Pipeline, n int) (release func()) {
	stay := make(chan struct{})
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_ = p.Run(ctx, func(context.Context) error {
				<-stay
				return nil
			})
		})
	}
	synctest.Wait()
	return func() { close(stay); wg.Wait() }
}

func wantStatus(t *testing.T, b *container.Bulkhead, inUse, waiting int) {
	t.Helper()
	if got := b.Status(); got != (container.BulkheadStatus{InUse: inUse, Waiting: waiting}) {
		t.Errorf("%+v, want %d in use and %d waiting", got, inUse, waiting)
	}
}

func TestABulkheadLetsSoManyInAtOnce(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 3}, policy.Bulkhead{Name: "h"})
		release := holding(t.Context(), p, 3)
		wantStatus(t, b, 3, 0)
		err := p.Run(t.Context(), works)
		var full *policy.BulkheadFullError
		if !errors.As(err, &full) || full.Name != "h" || full.Operation != "op" || full.RetryAfter != 0 {
			t.Errorf("got %#v", err)
		}
		wantIs(t, err, policy.ErrBulkheadFull)
		time.Sleep(time.Second)
		if after, _ := policy.RetryAfter(p.Run(t.Context(), works)); after != time.Second {
			t.Errorf("come back after %v, want as long as it took by now", after)
		}
		release()
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		wantStatus(t, b, 0, 0)
		if m := o.Metrics().Totals; m.BulkheadRejections != 2 || m.FailedOperations != 2 || m.SuccessfulOperations != 4 {
			t.Errorf("%+v", m)
		}
	})
}

func TestThoseWhoWaitAreServedInTheirOrder(t *testing.T) {
	virtual(t, func(t *testing.T) {
		_, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 1, MaxWait: time.Hour, Reserve: 1}, policy.Bulkhead{Name: "h"})
		release := holding(t.Context(), p, 1)
		var served []string
		var wg sync.WaitGroup
		for n := range 6 {
			ctx, name := t.Context(), fmt.Sprint(n)
			if n%2 == 0 {
				ctx, name = policy.WithCriticality(ctx, policy.Sheddable), name+" sheddable"
			}
			wg.Go(func() {
				_ = p.Run(ctx, func(context.Context) error {
					served = append(served, name)
					return nil
				})
			})
			synctest.Wait()
		}
		wantStatus(t, b, 1, 6)
		release()
		wg.Wait()
		if got := strings.Join(served, ", "); got != "1, 3, 5, 0 sheddable, 2 sheddable, 4 sheddable" {
			t.Error(got)
		}
		wantStatus(t, b, 0, 0)
	})
}

// An Operation that is not critical leaves the reserve to others.
func TestTheReserveIsForCriticalCalls(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 5, Reserve: 0.3}, policy.Bulkhead{Name: "h"})
		release := holding(policy.WithCriticality(t.Context(), policy.Sheddable), p, 9)
		wantStatus(t, b, 3, 0) // two are reserved
		run := func(critical bool) error {
			_, err := policy.Execute(t.Context(), o, operation{critical})
			return err
		}
		wantIs(t, run(false), policy.ErrBulkheadFull)
		if err := run(true); err != nil {
			t.Errorf("a critical operation: %v", err)
		}
		more := holding(t.Context(), p, 9)
		wantStatus(t, b, 5, 0)
		// Of 9 and 1 that may be shed 3 had a permit, and of 9 that may not 2.
		if m := o.Metrics(); m.BulkheadRejections != 14 || m.Shed != 7 {
			t.Errorf("%d rejected, of them %d shed", m.BulkheadRejections, m.Shed)
		}
		release()
		more()
		if err := run(false); err != nil {
			t.Errorf("with room again: %v", err)
		}
	})
}

// A limiter leaves its reserve to critical calls as well, whether it counts by the
// second or by the period; what may be shed does not wait for it.
func TestALimiterKeepsItsReserveForCriticalCalls(t *testing.T) {
	for name, spec := range map[string]policy.RateLimit{
		"by the second": {RequestsPerSecond: 1, Burst: 10, Reserve: 0.3, MaxWait: time.Hour},
		"by the period": {RequestsPerPeriod: 10, Per: 10 * time.Second, Reserve: 0.3, MaxWait: time.Hour},
	} {
		virtual(t, func(t *testing.T) {
			o := newOrchestrator(t, policy.Catalog{})
			p := pipelineFor(t, o, "op", spec)
			l := o.RateLimiters()[0]
			shed := policy.WithCriticality(t.Context(), policy.Sheddable)
			run := func(ctx context.Context, n int) (passed int) {
				for range n {
					if p.Run(ctx, works) == nil {
						passed++
					}
				}
				return passed
			}
			if got := run(shed, 20); got != 7 {
				t.Errorf("%s: %d of what may be shed passed, want 7", name, got)
			}
			err := p.Run(shed, works)
			wantIs(t, err, policy.ErrRateLimited)
			if _, ok := policy.RetryAfter(err); !ok {
				t.Errorf("%s: it does not say when to come back", name)
			}
			if took := took(func() {
				if got := run(t.Context(), 3); got != 3 || l.Tokens() >= 1 {
					t.Errorf("%s: %d passed of the reserve", name, got)
				}
			}); took != 0 {
				t.Errorf("%s: it took %v", name, took)
			}
			if m := o.Metrics(); m.RateLimitHits != 14 || m.Shed != 14 {
				t.Errorf("%s: %d rejected, of them %d shed", name, m.RateLimitHits, m.Shed)
			}
		})
	}
}

type operation struct{ critical bool }

func (operation) OperationID() string                   { return "report" }
func (operation) ResiliencePolicy() policy.Policy       { return policy.Bulkhead{Name: "h"} }
func (operation) Execute(context.Context) (bool, error) { return true, nil }
func (op operation) IsCritical() bool                   { return op.critical }

// However a call ends, and whatever stands around the bulkhead and in it, the
// permit comes back.
func TestAPermitComesBackHoweverACallEnds(t *testing.T) {
	inside := map[string][]policy.Policy{
		"nothing":  nil,
		"timeout":  {policy.Timeout(time.Second)},
		"breaker":  {policy.CircuitBreaker{FailureThreshold: 1}},
		"limiter":  {policy.RateLimit{RequestsPerSecond: 1e-6, Burst: 1}},
		"retry":    {policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Second)}},
		"another":  {policy.Bulkhead{MaxConcurrent: 1, MaxWait: time.Second}},
		"adaptive": {policy.AdaptiveLimit{Initial: 1, MaxWait: time.Second}},
	}
	for name, layers := range inside {
		for _, outside := range []bool{false, true} {
			for ends, call := range map[string]func(context.Context) error{
				"works": works, "fails": always(errDown), "hangs": waits(time.Hour),
				"panics": func(context.Context) error { panic("no") },
				"exits":  func(context.Context) error { runtime.Goexit(); return nil },
			} {
				virtual(t, func(t *testing.T) {
					all := append([]policy.Policy{policy.Bulkhead{Name: "h"}}, layers...)
					if outside {
						all = append(append([]policy.Policy{}, layers...), policy.Bulkhead{Name: "h"})
					}
					_, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 2, MaxWait: time.Second}, all...)
					var wg sync.WaitGroup
					for range 4 {
						wg.Go(func() {
							ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
							defer cancel()
							defer func() { _ = recover() }()
							_ = p.Run(ctx, call)
						})
					}
					wg.Wait()
					if got := b.Status(); got != (container.BulkheadStatus{}) {
						t.Errorf("%s, %v, %s: %+v", name, outside, ends, got)
					}
				})
			}
		}
	}
}

// What a policy asks of its user may panic as well, between attempts.
func TestAPermitComesBackWhenARetryPanics(t *testing.T) {
	for _, layers := range [][]policy.Policy{
		{policy.Bulkhead{Name: "h"}, policy.Retry{RetryIf: func(error) bool { panic("no") }}},
		{policy.Retry{RetryIf: func(error) bool { panic("no") }}, policy.Bulkhead{Name: "h"}},
	} {
		_, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 1}, layers...)
		for range 3 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("it did not get so far")
					}
				}()
				_ = p.Run(t.Context(), always(errDown))
			}()
			wantStatus(t, b, 0, 0)
		}
	}
}

// A full bulkhead once tripped the breaker around it.
func TestAFullBulkheadIsNoFailureToABreaker(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o, p, _ := crowded(t, policy.Bulkhead{MaxConcurrent: 1}, policy.CircuitBreaker{Name: "b", FailureThreshold: 1}, policy.Bulkhead{Name: "h"})
		outer := pipelineFor(t, o, "outer", policy.CircuitBreaker{Name: "of the outer", FailureThreshold: 1})
		release := holding(t.Context(), p, 1)
		for range 10 {
			wantIs(t, outer.Run(t.Context(), func(ctx context.Context) error { return p.Run(ctx, works) }), policy.ErrBulkheadFull)
		}
		for _, b := range o.CircuitBreakers() {
			wantState(t, b, policy.StateClosed)
		}
		release()
	})
}

func TestALimiterGetsTheTokenBackOfACallThatABulkheadRefuses(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o, p, _ := crowded(t, policy.Bulkhead{MaxConcurrent: 1}, policy.RateLimit{Name: "l", RequestsPerSecond: 1e-6, Burst: 5}, policy.Bulkhead{Name: "h"})
		release := holding(t.Context(), p, 1)
		for range 10 {
			wantIs(t, p.Run(t.Context(), works), policy.ErrBulkheadFull)
		}
		release()
		if l, _ := o.RateLimiter("l"); l.Tokens() < 3.99 {
			t.Errorf("%v tokens left, want 4", l.Tokens())
		}
	})
}

func TestARetryComesBackToAFullBulkhead(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o, p, _ := crowded(t, policy.Bulkhead{MaxConcurrent: 1}, policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(time.Second)}, policy.Bulkhead{Name: "h"})
		release := holding(t.Context(), pipelineFor(t, o, "other", policy.Bulkhead{Name: "h"}), 1)
		time.AfterFunc(3*time.Second/2, release)
		if took := took(func() {
			if err := p.Run(t.Context(), works); err != nil {
				t.Error(err)
			}
		}); took != 2*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// A body, rows, a stream: the dependency is still at work.
func TestAResultThatIsInUseKeepsItsPermit(t *testing.T) {
	virtual(t, func(t *testing.T) {
		_, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 2}, policy.Bulkhead{Name: "h"}, policy.Retry{}, policy.Timeout(time.Minute))
		one, two := open(t.Context(), t, p), open(t.Context(), t, p)
		wantStatus(t, b, 2, 0)
		wantIs(t, opening(t.Context(), p, &opened{}), policy.ErrBulkheadFull)
		if err := one.Finish(nil, policy.Unknown); err != nil {
			t.Error(err)
		}
		_ = one.Finish(nil, policy.Unknown)
		wantStatus(t, b, 1, 0)
		_ = two.Leave(errDown)
		wantStatus(t, b, 0, 0)
	})
}

// Who never closes what was opened does not shut the others out for good.
func TestAPermitComesBackWhenTheContextOfItsResultEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		layers []policy.Policy
		cancel bool
	}{
		"its timeout": {[]policy.Policy{policy.Bulkhead{Name: "h"}, policy.Timeout(time.Minute)}, false},
		"its caller":  {[]policy.Policy{policy.Bulkhead{Name: "h"}}, true},
		"both":        {[]policy.Policy{policy.Timeout(time.Hour), policy.Bulkhead{Name: "h"}}, true},
	} {
		virtual(t, func(t *testing.T) {
			_, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 1}, tt.layers...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			result := open(ctx, t, p)
			wantStatus(t, b, 1, 0)
			if tt.cancel {
				cancel()
			} else {
				time.Sleep(time.Minute)
			}
			synctest.Wait()
			wantStatus(t, b, 0, 0)
			_ = result.Finish(nil, policy.Unknown) // gives nothing back a second time
			release := holding(t.Context(), p, 2)
			if got := b.Status(); got.InUse != 1 {
				t.Errorf("%s: %+v, want one", name, got)
			}
			release()
		})
	}
}

// What only keeps its context beyond the call has nobody who would give the permit
// back.
func TestADetachedContextHoldsNoPermit(t *testing.T) {
	_, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: 1}, policy.Bulkhead{Name: "h"}, policy.Timeout(time.Minute))
	var err error
	call := p.Begin(t.Context())
	defer call.End()
	for call.Next(&err) {
		defer call.Detach()()
		wantStatus(t, b, 1, 0)
	}
	if err != nil {
		t.Error(err)
	}
	wantStatus(t, b, 0, 0)
}

func TestReloadingABulkheadKeepsItsPermits(t *testing.T) {
	virtual(t, func(t *testing.T) {
		catalog := func(n int) policy.Catalog {
			return policy.Catalog{Bulkheads: map[string]policy.Bulkhead{"h": {MaxConcurrent: n, MaxWait: time.Hour}}}
		}
		o, p, b := crowded(t, catalog(2).Bulkheads["h"], policy.Bulkhead{Name: "h"})
		release := holding(t.Context(), p, 6)
		wantStatus(t, b, 2, 4)
		reload(t, o, catalog(5))
		synctest.Wait()
		wantStatus(t, b, 5, 1)
		reload(t, o, catalog(1))
		wantStatus(t, b, 5, 1) // nobody is thrown out
		if got := b.Limit(); got != (policy.Bulkhead{Name: "h", MaxConcurrent: 1, MaxWait: time.Hour}) {
			t.Errorf("%+v", got)
		}
		reload(t, o, policy.Catalog{}) // an operation keeps what it was run under
		wantStatus(t, b, 5, 1)
		reload(t, o, catalog(6))
		synctest.Wait()
		wantStatus(t, b, 6, 0)
		release()
		wantStatus(t, b, 0, 0)
	})
}

func TestBulkheadsAreFoundByTheirNames(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{
		Bulkheads: map[string]policy.Bulkhead{"named": {MaxConcurrent: 1}},
		Policies:  map[string]policy.Policy{"described": policy.Bulkhead{Name: "in a policy", MaxConcurrent: 2}},
	})
	if err := o.RegisterBulkhead("in code", policy.Bulkhead{MaxConcurrent: 3}); err != nil {
		t.Fatal(err)
	}
	pipelineFor(t, o, "op", policy.Bulkhead{MaxConcurrent: 4})
	want := map[string]int{"named": 1, "in a policy": 2, "in code": 3, "op": 4}
	for _, b := range o.Bulkheads() {
		if found, ok := o.Bulkhead(b.Name()); !ok || found != b || b.Limit().MaxConcurrent != want[b.Name()] {
			t.Errorf("%s: %+v", b.Name(), b.Limit())
		}
		delete(want, b.Name())
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	if _, ok := o.Bulkhead("name"); ok {
		t.Error("one that there is not")
	}
	_, err := o.For("other", policy.Bulkhead{Name: "namd"})
	if err == nil || !strings.Contains(err.Error(), `no bulkhead "namd" (did you mean "named"?)`) {
		t.Errorf("got %v", err)
	}
	if _, err = o.For("other", policy.Bulkhead{Name: "named", MaxConcurrent: 7}); err == nil {
		t.Error("other settings under the same name")
	}
	if err = o.RegisterBulkhead("none", policy.Bulkhead{}); err == nil || !strings.Contains(err.Error(), "MaxConcurrent is 0") {
		t.Errorf("got %v", err)
	}
	if _, err = o.For("many", policy.Combine(repeat(9, policy.Bulkhead{MaxConcurrent: 1})...)); err == nil || !strings.Contains(err.Error(), "more than 8 bulkheads") {
		t.Errorf("got %v", err)
	}
	if err = pipelineFor(t, o, "eight", repeat(8, policy.Bulkhead{MaxConcurrent: 1})...).Run(t.Context(), works); err != nil {
		t.Error(err)
	}
}

func repeat(n int, p policy.Policy) (all []policy.Policy) {
	for range n {
		all = append(all, p)
	}
	return all
}

// Many callers, who leave when they like, under a limit that changes.
func TestABulkheadUnderLoad(t *testing.T) {
	const most = 4
	o, p, b := crowded(t, policy.Bulkhead{MaxConcurrent: most, MaxWait: time.Millisecond}, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Bulkhead{Name: "h"}, policy.Timeout(time.Minute))
	var in atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				ctx, cancel := context.WithCancel(t.Context())
				func() {
					defer func() { _ = recover() }()
					_ = p.Run(ctx, func(context.Context) error {
						if n := in.Add(1); n > most {
							t.Errorf("%d are in", n)
						}
						defer in.Add(-1)
						switch (g + i) % 5 {
						case 0:
							cancel()
							return ctx.Err()
						case 1:
							panic("no")
						case 2:
							return errDown
						}
						runtime.Gosched()
						return nil
					})
				}()
				cancel()
			}
		})
	}
	wg.Go(func() {
		for i := range 200 {
			reload(t, o, policy.Catalog{Bulkheads: map[string]policy.Bulkhead{"h": {MaxConcurrent: 1 + i%most, MaxWait: time.Millisecond}}})
		}
	})
	wg.Wait()
	wantStatus(t, b, 0, 0)
}
