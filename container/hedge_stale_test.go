package container_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// almanac has answers that are worth keeping.
type almanac interface {
	Look(ctx context.Context, day string) (int64, error)
}

type almanacProxy struct {
	next almanac
	look *container.Pipeline
}

func (p *almanacProxy) Look(ctx context.Context, day string) (n int64, err error) {
	call := p.look.Begin(ctx)
	defer call.End()
	if call.Keeps() {
		call.Key(day)
	}
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			n, err = container.Hedged(h, func(ctx context.Context) (int64, error) { return p.next.Look(ctx, day) })
			continue
		}
		n, err = p.next.Look(call.Context(), day)
	}
	if err == nil && call.Keeps() {
		n = container.LastGood(&call, n)
	}
	return n, err
}

func init() {
	container.RegisterProxy(func(next almanac, m container.Methods) almanac { return &almanacProxy{next, m.Hedges("Look")} })
}

// sky is looked at.
type sky struct {
	n  atomic.Int64
	do func(ctx context.Context, n int64) error
}

func (s *sky) Look(ctx context.Context, _ string) (int64, error) {
	n := s.n.Add(1)
	return n, s.do(ctx, n)
}

// Old answers that stand within a hedge took no failure's place: nothing was kept.
func TestOldAnswersWithinAHedge(t *testing.T) {
	breaker := policy.CircuitBreaker{Name: "b", FailureThreshold: 2}
	for name, layers := range map[string][]policy.Policy{
		"within":         {breaker, hedge, policy.Stale(time.Hour)},
		"within two":     {hedge, breaker, hedge, policy.Stale(time.Hour)},
		"around a retry": {breaker, hedge, policy.Stale(time.Hour), policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}},
		"around":         {breaker, policy.Stale(time.Hour), hedge},
	} {
		virtual(t, func(t *testing.T) {
			var ended []container.Completed
			c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(layers...)}},
				container.OnCompleted(func(_ context.Context, done container.Completed) { ended = append(ended, done) }))
			if err != nil {
				t.Fatal(err)
			}
			s := &sky{do: func(context.Context, int64) error { return nil }}
			provide(t, c, container.Tag(func() almanac { return s }, "p"))
			var a almanac
			if err := c.Invoke(func(wrapped almanac) { a = wrapped }); err != nil {
				t.Fatal(err)
			}
			if n, err := a.Look(t.Context(), "today"); n != 1 || err != nil {
				t.Fatalf("%s: %d, %v", name, n, err)
			}
			s.do = func(ctx context.Context, n int64) error {
				if n%2 == 0 {
					_ = wait(ctx, 2*time.Second)
				}
				return errDown
			}
			tomorrow := func() {
				if n, err := a.Look(t.Context(), "tomorrow"); err == nil {
					t.Errorf("%s: %d to what was never asked", name, n)
				}
			}
			tomorrow()
			for range 5 { // it stays as old as it is
				time.Sleep(10 * time.Minute)
				if n, err := a.Look(t.Context(), "today"); n != 1 || err != nil {
					t.Errorf("%s: %d, %v; want the old answer", name, n, err)
				}
				synctest.Wait()
			}
			if tomorrow(); c.Orchestrator().Metrics().CircuitBreakerTrips != 1 {
				t.Errorf("%s: old answers are successes to the breaker", name)
			}
			time.Sleep(10 * time.Minute)
			if n, err := a.Look(t.Context(), "today"); !errors.Is(err, errDown) {
				t.Errorf("%s: %d, %v; want the failure, as the answer is too old", name, n, err)
			}
			stale := 0
			for _, done := range ended {
				if done.Stale {
					stale++
				}
			}
			if m := c.Orchestrator().Metrics(); m.Stale != 5 || stale != 5 || m.TotalOperations != 9 || m.FailedOperations != 3 {
				t.Errorf("%s: %d operations ended with an old answer; metrics are %+v", name, stale, m.Totals)
			}
		})
	}
}
