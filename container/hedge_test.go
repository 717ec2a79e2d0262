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

// finder has a method that is safe to repeat, also twice at once, and one that is
// not known to be.
type finder interface {
	Find(ctx context.Context, id string) (*found, error)
	List(ctx context.Context) error
}

// found is what a search finds. It is to be closed.
type found struct {
	by     int // the attempt
	closed *atomic.Int64
}

func (f *found) Close() error { f.closed.Add(1); return nil }

type finderProxy struct {
	next       finder
	find, list *container.Pipeline
}

func (p *finderProxy) Find(ctx context.Context, id string) (r *found, err error) {
	call := p.find.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			r, err = container.Hedged(h, func(ctx context.Context) (*found, error) { return p.next.Find(ctx, id) })
			continue
		}
		r, err = p.next.Find(call.Context(), id)
	}
	return r, err
}

func (p *finderProxy) List(ctx context.Context) (err error) {
	call := p.list.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.List(call.Context())
	}
	return err
}

func init() {
	container.RegisterProxy(func(next finder, m container.Methods) finder {
		return &finderProxy{next, m.Hedges("Find"), m.Safe("List")}
	})
}

// library is a finder whose n-th attempt does as a test has it do.
type library struct {
	attempts atomic.Int64
	closed   atomic.Int64
	do       func(ctx context.Context, n int) error
}

func (l *library) Find(ctx context.Context, _ string) (*found, error) {
	n := int(l.attempts.Add(1))
	if err := l.do(ctx, n); err != nil {
		return nil, err
	}
	return &found{n, &l.closed}, nil
}

func (l *library) List(ctx context.Context) error { return l.do(ctx, int(l.attempts.Add(1))) }

// hedging returns the library as it is wrapped.
func hedging(t *testing.T, l *library, opts []container.Option, layers ...policy.Policy) (finder, *container.Orchestrator) {
	t.Helper()
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(layers...)}}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	provide(t, c, container.Tag(func() finder { return l }, "p"))
	var f finder
	if err := c.Invoke(func(wrapped finder) { f = wrapped }); err != nil {
		t.Fatal(err)
	}
	return f, c.Orchestrator()
}

// slowThenFast takes a minute at the first attempts, and no time at the others.
func slowThenFast(slow int) func(context.Context, int) error {
	return func(ctx context.Context, n int) error {
		if n <= slow {
			return wait(ctx, time.Minute)
		}
		return nil
	}
}

var hedge = policy.Hedge{Delay: time.Second, Budget: 1}

func TestTheFasterOfTwoWins(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var events []string
		listen := container.OnEvent(func(_ context.Context, e container.Event) {
			switch e := e.(type) {
			case container.HedgeStarted:
				events = append(events, fmt.Sprintf("%s %d after %v", e.Operation, e.Attempt, e.After))
			case container.HedgeWon:
				events = append(events, fmt.Sprintf("%s %d won", e.Operation, e.Attempt))
			}
		})
		l := &library{do: slowThenFast(1)}
		f, o := hedging(t, l, []container.Option{listen}, policy.Retry{MaxAttempts: 3}, hedge, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Hour))
		var r *found
		var err error
		if got := took(func() { r, err = f.Find(t.Context(), "1") }); err != nil || r.by != 2 || got != time.Second {
			t.Errorf("attempt %+v after %v: %v", r, got, err)
		}
		synctest.Wait()
		want := policy.Totals{TotalOperations: 1, SuccessfulOperations: 1, Hedges: 1, HedgesWon: 1}
		if m := o.Metrics(); m.Totals != want {
			t.Errorf("metrics are %+v", m.Totals)
		}
		if got := strings.Join(events, ", "); got != "container_test.finder.Find 2 after 1s, container_test.finder.Find 2 won" {
			t.Errorf("events: %s", got)
		}
		if l.closed.Load() != 0 {
			t.Error("what the caller has was closed")
		}
	})
}

// A result that nobody waits for any more was left open.
func TestLateResultsAreClosed(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &library{do: func(_ context.Context, n int) error {
			if n == 1 {
				time.Sleep(time.Minute) // whatever its context says
			}
			return nil
		}}
		f, o := hedging(t, l, nil, hedge)
		r, err := f.Find(t.Context(), "1")
		if err != nil || r.by != 2 {
			t.Fatalf("%+v: %v", r, err)
		}
		time.Sleep(time.Hour)
		if l.closed.Load() != 1 || l.attempts.Load() != 2 {
			t.Errorf("%d of %d results were closed", l.closed.Load(), l.attempts.Load())
		}
		if m := o.Metrics(); m.TotalOperations != 1 || m.SuccessfulOperations != 1 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

func TestHedgesHaveABudget(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &library{do: func(ctx context.Context, _ int) error { return wait(ctx, 20*time.Millisecond) }}
		f, o := hedging(t, l, nil, policy.Hedge{Delay: 10 * time.Millisecond, Budget: 0.1, MaxHedges: 3})
		for range 200 {
			if r, err := f.Find(t.Context(), "1"); err != nil || r == nil {
				t.Fatal(err)
			}
		}
		if m := o.Metrics(); l.attempts.Load() != 220 || m.Hedges != 20 || m.SuccessfulOperations != 200 {
			t.Errorf("%d attempts; metrics are %+v", l.attempts.Load(), m.Totals)
		}
	})
}

func TestTheDelayIsAQuantile(t *testing.T) {
	virtual(t, func(t *testing.T) {
		usual := func(ctx context.Context, _ int) error { return wait(ctx, 100*time.Millisecond) }
		l := &library{do: usual}
		f, o := hedging(t, l, nil, policy.Hedge{Quantile: 0.9, Budget: 1})
		for range 100 {
			if _, err := f.Find(t.Context(), "1"); err != nil {
				t.Fatal(err)
			}
		}
		if m := o.Metrics(); m.Hedges != 0 {
			t.Errorf("what takes as long as ever was hedged: %+v", m.Totals)
		}
		l.attempts.Store(0)
		l.do = func(ctx context.Context, n int) error {
			if n == 1 {
				return wait(ctx, time.Minute)
			}
			return usual(ctx, n)
		}
		got := took(func() {
			if r, err := f.Find(t.Context(), "1"); err != nil || r.by != 2 {
				t.Errorf("%+v: %v", r, err)
			}
		})
		if got < 200*time.Millisecond || got > 215*time.Millisecond {
			t.Errorf("hedged and answered after %v, want 100ms and an eighth at most, and 100ms", got)
		}
	})
}

// How attempts end that are made side by side.
func TestHowHedgedAttemptsEnd(t *testing.T) {
	after := func(d time.Duration, err error) func(context.Context) error {
		return func(ctx context.Context) error {
			if e := wait(ctx, d); e != nil {
				return e
			}
			return err
		}
	}
	second := time.Second
	for name, tt := range map[string]struct {
		attempts []func(context.Context) error
		want     error
		took     time.Duration
		made     int64
		won      uint64
	}{
		"fast enough":                    {[]func(context.Context) error{after(second/2, nil)}, nil, second / 2, 1, 0},
		"a failure is no reason to":      {[]func(context.Context) error{after(second/2, errDown)}, errDown, second / 2, 1, 0},
		"the first fails, the other not": {[]func(context.Context) error{after(2*second, errDown), after(3*second, nil)}, nil, 4 * second, 2, 1},
		"both fail":                      {[]func(context.Context) error{after(2*second, errDown), after(2*second, errBusy)}, errBusy, 3 * second, 2, 0},
		"an answer decides":              {[]func(context.Context) error{after(time.Minute, nil), after(second, policy.Answer(errNo))}, errNo, 2 * second, 2, 1},
		"a refusal decides":              {[]func(context.Context) error{after(time.Minute, nil), after(second, policy.Permanent(errNo))}, errNo, 2 * second, 2, 1},
		"the first after all":            {[]func(context.Context) error{after(2*second, nil), after(time.Minute, nil)}, nil, 2 * second, 2, 0},
	} {
		virtual(t, func(t *testing.T) {
			l := &library{do: func(ctx context.Context, n int) error { return tt.attempts[n-1](ctx) }}
			f, o := hedging(t, l, nil, hedge, policy.CircuitBreaker{FailureThreshold: 3})
			var err error
			got := took(func() { _, err = f.Find(t.Context(), "1") })
			if tt.want == nil && err != nil || !errors.Is(err, tt.want) || got != tt.took || l.attempts.Load() != tt.made {
				t.Errorf("%s: %v after %v and %d attempts; want %v, %v, %d", name, err, got, l.attempts.Load(), tt.want, tt.took, tt.made)
			}
			synctest.Wait()
			if m := o.Metrics(); m.TotalOperations != 1 || m.CircuitBreakerTrips != 0 || m.Hedges != uint64(tt.made-1) || m.HedgesWon != tt.won {
				t.Errorf("%s: metrics are %+v", name, m.Totals)
			}
		})
	}
}

// A call whose attempts all hang ends with its caller, or by its timeout.
func TestHedgedCallsEndWithTheirCaller(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &library{do: slowThenFast(100)}
		f, o := hedging(t, l, nil, policy.Timeout(5*time.Second), policy.Retry{MaxAttempts: 2}, hedge, policy.Timeout(2*time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		_, err := f.Find(ctx, "1")
		wantIs(t, err, policy.ErrCancelled, context.DeadlineExceeded)
		if n := l.attempts.Load(); n != 2 {
			t.Errorf("%d attempts", n)
		}
		_, err = f.Find(t.Context(), "1")
		wantIs(t, err, policy.ErrTimeout)
		wantNot(t, err, policy.ErrCancelled)
		synctest.Wait()
		if m := o.Metrics(); m.Cancelled != 1 || m.FailedOperations != 2 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// Each attempt passes the layers within by itself, and gives back what it held.
func TestHedgesPassTheLayersWithin(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &library{do: slowThenFast(1)}
		f, o := hedging(t, l, nil, hedge,
			policy.RateLimit{Name: "l", RequestsPerSecond: 0.001, Burst: 1}, policy.Bulkhead{Name: "b", MaxConcurrent: 2})
		got := took(func() {
			if r, err := f.Find(t.Context(), "1"); err != nil || r.by != 1 {
				t.Errorf("%+v: %v; want the first, as the other was refused", r, err)
			}
		})
		if m := o.Metrics(); got != time.Minute || l.attempts.Load() != 1 || m.RateLimitHits != 1 {
			t.Errorf("%d attempts in %v; metrics are %+v", l.attempts.Load(), got, m.Totals)
		}
		synctest.Wait()
		if _, err := f.Find(t.Context(), "1"); !errors.Is(err, policy.ErrRateLimited) {
			t.Errorf("got %v", err)
		}
	})
}

// The half-open place of a probe was never given back when the probe lost.
func TestAProbeThatLosesGivesItsPlaceBack(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &library{do: func(context.Context, int) error { return errDown }}
		f, o := hedging(t, l, nil, hedge, policy.CircuitBreaker{Name: "b", FailureThreshold: 1, RecoveryTimeout: time.Second, SuccessThreshold: 2})
		_, _ = f.Find(t.Context(), "1")
		time.Sleep(2 * time.Second)
		l.attempts.Store(0)
		l.do = slowThenFast(1)
		if _, err := f.Find(t.Context(), "1"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		l.do = func(context.Context, int) error { return nil }
		for range 2 {
			if _, err := f.Find(t.Context(), "1"); err != nil {
				t.Error(err)
			}
		}
		b, _ := o.CircuitBreaker("b")
		wantState(t, b, policy.StateClosed)
	})
}

func TestAHedgedPanicGoesOnInTheCaller(t *testing.T) {
	for name, tt := range map[string]struct {
		end      func()
		panicked any
	}{
		"panic":          {func() { panic("broken") }, "broken"},
		"runtime.Goexit": {runtime.Goexit, nil},
	} {
		virtual(t, func(t *testing.T) {
			l := &library{do: func(ctx context.Context, n int) error {
				if n == 2 {
					tt.end()
				}
				return wait(ctx, time.Minute)
			}}
			f, o := hedging(t, l, nil, hedge, policy.Bulkhead{Name: "b", MaxConcurrent: 2})
			returned := false
			var panicked any
			done := make(chan struct{})
			go func() {
				defer close(done)
				defer func() { panicked = recover() }()
				_, _ = f.Find(t.Context(), "1")
				returned = true
			}()
			<-done
			synctest.Wait()
			if returned || panicked != tt.panicked {
				t.Errorf("%s: returned %v, panicked with %v", name, returned, panicked)
			}
			if m := o.Metrics(); m.TotalOperations != 1 || m.FailedOperations != 1 {
				t.Errorf("%s: metrics are %+v", name, m.Totals)
			}
			l.do = func(context.Context, int) error { return nil }
			for range 3 {
				if _, err := f.Find(t.Context(), "1"); err != nil {
					t.Errorf("%s: a permit was lost: %v", name, err)
				}
			}
		})
	}
}

// The breakers, limiters and bulkheads that stand within a hedge were not listed, so
// neither the console nor metrics knew of them.
func TestWhatStandsWithinAHedgeIsListed(t *testing.T) {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"p": policy.Combine(hedge, policy.CircuitBreaker{}, policy.RateLimit{RequestsPerSecond: 1}, policy.Bulkhead{MaxConcurrent: 1}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	provide(t, c, container.Tag(func() finder { return &library{} }, "p", container.Method("List", "none")))
	if err := c.Invoke(func(finder) {}); err != nil {
		t.Fatal(err)
	}
	o := c.Orchestrator()
	if b, l, p := len(o.CircuitBreakers()), len(o.RateLimiters()), len(o.Bulkheads()); b != 1 || l != 1 || p != 1 {
		t.Errorf("%d breakers, %d limiters and %d bulkheads", b, l, p)
	}
}

// A method that is not known to be safe is not hedged, nor is a function.
func TestWhatMayNotBeHedgedIsNot(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &library{do: func(ctx context.Context, _ int) error { return wait(ctx, time.Minute) }}
		f, o := hedging(t, l, nil, hedge, policy.CircuitBreaker{})
		if err := f.List(t.Context()); err != nil || l.attempts.Load() != 1 {
			t.Errorf("%d attempts: %v", l.attempts.Load(), err)
		}
		p := pipelineFor(t, o, "poll", hedge, policy.RateLimit{RequestsPerSecond: 1, Burst: 1})
		_ = p.Run(t.Context(), waits(time.Minute))
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		if err := p.Run(t.Context(), works); !errors.Is(err, policy.ErrRateLimited) {
			t.Errorf("what stands within the hedge is lost: %v", err)
		}
		if m := o.Metrics(); m.Hedges != 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

func TestManyHedgeAtOnce(t *testing.T) {
	l := &library{do: func(ctx context.Context, n int) error {
		if n%3 == 0 {
			return wait(ctx, 3*time.Millisecond) // real time: the race is what is tested
		}
		return nil
	}}
	f, o := hedging(t, l, nil, policy.Retry{}, policy.Hedge{Delay: time.Millisecond, Budget: 1, MaxHedges: 2}, policy.CircuitBreaker{}, policy.Bulkhead{Name: "b", MaxConcurrent: 1000}, policy.Timeout(time.Minute))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if _, err := f.Find(t.Context(), "1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if m := o.Metrics(); m.TotalOperations != 800 || m.SuccessfulOperations != 800 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}
