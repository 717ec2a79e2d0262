package console_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

type tenantKey struct{}

func tenant(ctx context.Context) string {
	name, _ := ctx.Value(tenantKey{}).(string)
	return name
}

// The state has the partitions of a service, and the stream says what changes of them.
func TestPartitionsAreShownAndFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := container.New(policy.Catalog{
			Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour}},
		}, container.WithMaxPartitions(2))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Orchestrator().Close)
		h := console.Handler(c.Orchestrator())
		choosy := func() searcher {
			return func(_ context.Context, what string) error {
				if what == "down" {
					return errDown
				}
				return nil
			}
		}
		if err := c.Provide(container.Tag(choosy, "guarded", container.Partition(tenant))); err != nil {
			t.Fatal(err)
		}
		var find searcher
		if err := c.Invoke(func(its searcher) { find = its }); err != nil {
			t.Fatal(err)
		}
		name := c.Orchestrator().Services()[0].Name
		stream := follow(t, h)
		want := func(want console.Partitions) {
			t.Helper()
			got := stateOf(t, h).Services[0].Partitions
			if got == nil || !reflect.DeepEqual(*got, want) {
				t.Errorf("state: %+v, want %+v", got, want)
			}
			if got, told := toldOfPartitions(t, stream)[name]; !told || !reflect.DeepEqual(got, want) {
				t.Errorf("told: %v, %+v, want %+v", told, got, want)
			}
		}
		want(console.Partitions{Max: 2})
		as := func(key string) context.Context { return context.WithValue(t.Context(), tenantKey{}, key) }
		_ = find(as("b"), "down")
		_ = find(as("a"), "down")
		want(console.Partitions{Known: 2, Max: 2, Open: []string{"a", "b"}})
		_ = find(as("c"), "up")
		want(console.Partitions{Known: 2, Max: 2, Dropped: 1, Open: []string{"a"}})
		if again, told := toldOfPartitions(t, stream)[name]; told {
			t.Errorf("nothing has changed, and it is told again: %+v", again)
		}
	})
}

// toldOfPartitions returns what a stream says of them up to the end of a step.
func toldOfPartitions(t *testing.T, stream *events) map[string]console.Partitions {
	t.Helper()
	all := map[string]console.Partitions{}
	for {
		name, data := stream.next()
		if name != console.EventTick {
			continue
		}
		var tick console.Tick
		if err := json.Unmarshal([]byte(data), &tick); err != nil {
			t.Fatal(err)
		}
		maps.Copy(all, tick.Partitions)
		if tick.Sequence > 0 {
			return all
		}
	}
}

// logged returns the texts of the entries of a kind, a step later.
func logged(t *testing.T, h http.Handler, kind string) (texts []string) {
	t.Helper()
	time.Sleep(3 * time.Second)
	stream := follow(t, h)
	for {
		name, data := stream.next()
		if name != console.EventLog {
			continue
		}
		var entries []console.Entry
		if err := json.Unmarshal([]byte(data), &entries); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Kind == kind {
				texts = append(texts, e.Text)
			}
		}
		return texts
	}
}

func TestBulkheadsSayWhatTheyRefuseAndHowTheyAdapt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{
			Bulkheads:    map[string]policy.Bulkhead{"door": {MaxConcurrent: 1}},
			RateLimiters: map[string]policy.RateLimit{"door": {RequestsPerSecond: 1, Burst: 1}},
		})
		h := console.Handler(o)
		door := policy.Bulkhead{Name: "door"}
		_ = run(t, o, "in", door, func(ctx context.Context) error {
			_ = run(t, o, "in", door, works)
			r, err := o.For("in", door)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Run(policy.WithCriticality(ctx, policy.Sheddable), works)
			return nil
		})
		_ = run(t, o, "limited", policy.RateLimit{Name: "door"}, works)
		_ = run(t, o, "limited", policy.RateLimit{Name: "door"}, works)
		adapts := policy.AdaptiveLimit{Initial: 2, Min: 2, Max: 9}
		for range 200 {
			_ = run(t, o, "adapts", adapts, func(context.Context) error { time.Sleep(10 * time.Millisecond); return nil })
		}
		time.Sleep(3 * time.Second) // over a step, in which who is gone would be forgotten
		s := stateOf(t, h)
		if len(s.Bulkheads) != 2 || s.Bulkheads[1].Rejected != 2 || s.Bulkheads[1].Adaptive != nil || s.RateLimiters[0].Rejected != 1 {
			t.Errorf("%+v, %+v", s.Bulkheads, s.RateLimiters)
		}
		if got, want := s.Bulkheads[0].Adaptive, (console.AdaptiveLimit{Min: 2, Max: 9, Unloaded: 0.01}); got == nil || *got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if s.Totals.BulkheadFull != 2 || s.Totals.Shed != 1 {
			t.Errorf("%+v", s.Totals)
		}
	})
}

// Chaos is counted, since nobody should be woken by what somebody ordered.
func TestChaosIsCountedAndLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		h := console.Handler(o)
		_ = run(t, o, "test", policy.Chaos{Rate: 1, Error: errDown, For: time.Hour}, works)
		if s := stateOf(t, h); s.Totals.Chaos != 1 {
			t.Errorf("%+v", s.Totals)
		}
		if texts := logged(t, h, console.KindChaos); len(texts) != 1 || !strings.Contains(texts[0], "connection refused") {
			t.Errorf("%q", texts)
		}
	})
}
