package container_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// asker asks, and knows of each question whether it may be asked twice at once.
type asker interface {
	Ask(ctx context.Context, question string) error
}

type askerProxy struct {
	next asker
	m    container.Methods
	ask  *container.Pipeline
}

func (p *askerProxy) Ask(ctx context.Context, question string) (err error) {
	ask := p.ask
	if chosen := p.m.Chosen(question); chosen != nil {
		ask = chosen
	}
	var call container.Call
	if ask.Hedging() && reads(question) {
		call = ask.Begin(ctx)
	} else {
		call = ask.BeginAlone(ctx)
	}
	defer call.End()
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			_, err = container.Hedged(h, func(ctx context.Context) (struct{}, error) { return struct{}{}, p.next.Ask(ctx, question) })
			continue
		}
		err = p.next.Ask(call.Context(), question)
	}
	return err
}

func reads(question string) bool { return strings.HasSuffix(question, "?") }

func init() {
	container.RegisterProxy(func(next asker, m container.Methods) asker { return &askerProxy{next, m, m.Hedges("Ask")} })
	container.RegisterHedgedNames[asker](func(name string) error {
		if name[0] != '/' {
			return errors.New("questions begin with a slash")
		}
		return nil
	}, reads)
}

// oracle answers in its own time.
type oracle struct {
	asked atomic.Int64
	do    func(ctx context.Context) error
}

func (o *oracle) Ask(ctx context.Context, _ string) error { o.asked.Add(1); return o.do(ctx) }

func asking(t *testing.T, o *oracle, c policy.Catalog, opts ...container.TagOption) (asker, *container.Orchestrator) {
	t.Helper()
	box, err := container.New(c)
	if err != nil {
		t.Fatal(err)
	}
	provide(t, box, container.Tag(func() asker { return o }, "p", opts...))
	var a asker
	if err := box.Invoke(func(wrapped asker) { a = wrapped }); err != nil {
		t.Fatal(err)
	}
	return a, box.Orchestrator()
}

// What may not be hedged is guarded by what stands within the hedge all the same, and
// by the same breaker; also where a partition has its own.
func TestCallsOfOneMethodAreHedgedOrNot(t *testing.T) {
	for name, tt := range map[string]struct {
		opts     []container.TagOption
		breakers int
	}{
		"whole":     {nil, 1},
		"partition": {[]container.TagOption{container.Partition(tenant)}, 2}, // and the whole's
	} {
		virtual(t, func(t *testing.T) {
			l := &oracle{do: func(ctx context.Context) error { return wait(ctx, time.Minute) }}
			p := policy.Combine(hedge, policy.CircuitBreaker{FailureThreshold: 2})
			a, o := asking(t, l, policy.Catalog{Policies: map[string]policy.Policy{"p": p}}, tt.opts...)
			ctx := of(t, "north")
			for question, want := range map[string]int64{"write": 1, "read?": 2} {
				l.asked.Store(0)
				if err := a.Ask(ctx, question); err != nil || l.asked.Load() != want {
					t.Errorf("%s: %s was asked %d times: %v", name, question, l.asked.Load(), err)
				}
				synctest.Wait()
			}
			l.do = func(context.Context) error { return errDown }
			_, _ = a.Ask(ctx, "write"), a.Ask(ctx, "read?")
			for _, question := range []string{"write", "read?"} {
				if err := a.Ask(ctx, question); !errors.Is(err, policy.ErrCircuitOpen) {
					t.Errorf("%s: %s: %v", name, question, err)
				}
			}
			if n := len(o.CircuitBreakers()); n != tt.breakers {
				t.Errorf("%s: %d breakers", name, n)
			}
			if m := o.Metrics(); m.TotalOperations != 6 || m.Hedges != 1 || m.CircuitBreakerTrips != 1 {
				t.Errorf("%s: metrics are %+v", name, m.Totals)
			}
			l.asked.Store(0)
			l.do = func(ctx context.Context) error { return wait(ctx, time.Minute) }
			reload(t, o, policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Timeout(time.Hour)}})
			if err := a.Ask(ctx, "read?"); err != nil || l.asked.Load() != 1 {
				t.Errorf("%s: asked %d times after a reload without: %v", name, l.asked.Load(), err)
			}
			reload(t, o, policy.Catalog{Policies: map[string]policy.Policy{"p": p}})
			if err := a.Ask(ctx, "read?"); err != nil || l.asked.Load() != 3 {
				t.Errorf("%s: asked %d times after a reload with: %v", name, l.asked.Load(), err)
			}
		})
	}
}

// Policies that are chosen for names of calls were never hedged.
func TestCallsAreHedgedByTheirNames(t *testing.T) {
	virtual(t, func(t *testing.T) {
		l := &oracle{do: func(ctx context.Context) error { return wait(ctx, time.Minute) }}
		a, o := asking(t, l, policy.Catalog{
			Policies: map[string]policy.Policy{"p": policy.Timeout(time.Hour), "fast": hedge},
			Services: map[string]policy.Service{"container_test.asker": {Methods: map[string]string{"/rate?": "fast", "/write": "fast"}}},
		})
		for question, want := range map[string]int64{"/rate?": 2, "/write": 1, "/other?": 1} {
			l.asked.Store(0)
			if err := a.Ask(t.Context(), question); err != nil || l.asked.Load() != want {
				t.Errorf("%s was asked %d times: %v", question, l.asked.Load(), err)
			}
		}
		guards := map[string]container.Guard{"Ask": container.GuardedHedging, "/rate?": container.GuardedHedging, "/write": container.Guarded}
		for _, m := range o.Services()[0].Methods {
			if guards[m.Name] != m.Guard {
				t.Errorf("%s is listed as %s", m.Name, m.Guard)
			}
		}
	})
}

// What stands within a candidate's hedge was not rehearsed.
func TestADryRunSeesWhatStandsWithinAHedge(t *testing.T) {
	l := &oracle{do: func(context.Context) error { return errDown }}
	a, o := asking(t, l, policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Timeout(time.Hour)}})
	if err := o.SetShadow("candidate", policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(hedge, policy.CircuitBreaker{FailureThreshold: 2})}}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = a.Ask(t.Context(), "read?")
	}
	if s, _ := o.Shadow(); s.Metrics.CircuitBreakerTrips != 1 || s.Metrics.CircuitBreakerRejections != 1 {
		t.Errorf("reckoned %+v", s.Metrics.Totals)
	}
}
