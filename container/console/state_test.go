package console_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

// What others decode stays as it is: names of fields are a promise.
func TestStateHasThePromisedShape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o)
		for range 2 {
			_ = run(t, o, "pay", bank, fail)
		}
		time.Sleep(11 * time.Second)
		var all map[string]json.RawMessage
		get(t, h, "/api/state", &all)
		for key, want := range map[string]string{
			"services":         `[]`,
			"circuit_breakers": `[{"name":"bank","state":"open","mode":"automatic","since":"2000-01-01T00:00:00Z","retry_after_s":19,"last_trip":{"at":"2000-01-01T00:00:00Z","operation":"pay","error":"connection refused"}}]`,
			"rate_limiters":    `[{"name":"calls","mode":"automatic","requests_per_second":1000,"burst":100,"tokens":100}]`,
			"bulkheads":        `[{"name":"permits","max_concurrent":3,"in_use":0,"waiting":0,"max_wait_s":2,"reserve":0.5}]`,
			"operations":       `[{"operation":"pay","totals":{"operations":2,"failed":2,"trips":1},"recent":{"per_second":0.2,"failed_per_second":0.2,"p50_s":0.00001638,"p90_s":0.00001638,"p99_s":0.00001638}}]`,
			"ready":            `true`,
			"profile":          `{"name":""}`,
			"reloads":          `{"succeeded":0,"failed":0}`,
			"controls":         `{"allowed":false}`,
		} {
			if got := string(all[key]); got != want {
				t.Errorf("%s:\n\t%s\nwant\n\t%s", key, got, want)
			}
		}
	})
}

func TestHistoryIsOfTheLastMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := shop(t)
		h := console.Handler(o)
		retried := policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(500 * time.Millisecond)}, bank)
		_ = run(t, o, "pay", retried, fail) // trips, half a second later
		_ = run(t, o, "pay", retried, fail)
		time.Sleep(5 * time.Second)
		var got console.History
		get(t, h, "/api/history", &got)
		s := got.Operations["pay"]
		if got.Step != 2 || got.Sequence != 2 || !slices.Equal(s.Calls, []uint32{2, 0}) || !slices.Equal(s.Failed, []uint32{2, 0}) ||
			!slices.Equal(s.Retries, []uint32{1, 0}) || !slices.Equal(s.Rejected, []uint32{1, 0}) {
			t.Errorf("%+v", got)
		}
		if p := s.P99[0]; p < 500 || p > 563 {
			t.Errorf("p99 is %v ms, and the slowest took 500", p)
		}
		if got.CircuitBreakers["bank"] != "22" || !slices.Equal(got.RateLimiters["calls"], []int{100, 100}) {
			t.Errorf("%+v", got)
		}
		time.Sleep(6 * time.Minute)
		get(t, h, "/api/history", &got)
		var later console.History
		get(t, h, "/api/history", &later)
		if len(later.Operations) != 0 {
			t.Errorf("after it did nothing for six minutes: %+v", later.Operations)
		}
		if n := len(later.CircuitBreakers["bank"]); n != later.Steps {
			t.Errorf("%d steps of the breaker, and %d are kept", n, later.Steps)
		}
	})
}

func TestWhatIsWrappedIsShownByItsMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := container.New(policy.Catalog{
			Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{FailureThreshold: 1}},
			Services: map[string]policy.Service{"console_test.searcher": {Policy: "guarded", Critical: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Orchestrator().Close)
		h := console.Handler(c.Orchestrator())
		if err := c.Provide(container.Tag(newSearcher, "guarded")); err != nil {
			t.Fatal(err)
		}
		if err := c.Invoke(func(find searcher) { _ = find(t.Context(), "x") }); err != nil {
			t.Fatal(err)
		}
		s := stateOf(t, h)
		if len(s.Services) != 1 || s.Ready {
			t.Fatalf("%+v", s)
		}
		got := s.Services[0]
		if got.Name != "console_test.searcher" || got.State != "open" || !got.Critical ||
			!slices.Equal(got.CircuitBreakers, []string{"console_test.searcher"}) || len(got.Methods) != 1 ||
			got.Methods[0].ID != "console_test.searcher" || got.Methods[0].Totals.Failed != 1 {
			t.Errorf("%+v", got)
		}
		if len(s.Operations) != 0 {
			t.Errorf("they are shown with their service: %+v", s.Operations)
		}
	})
}

func TestStateCountsFallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{FailureThreshold: 9}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Orchestrator().Close)
		h := console.Handler(c.Orchestrator())
		spare := func() searcher { return func(context.Context, string) error { return nil } }
		if err := c.Provide(container.Tag(newSearcher, "guarded", container.Fallback(spare))); err != nil {
			t.Fatal(err)
		}
		if err := c.Invoke(func(find searcher) error { return find(t.Context(), "x") }); err != nil {
			t.Fatal(err)
		}
		for _, s := range stateOf(t, h).Services {
			if s.Name == "console_test.searcher" && s.Methods[0].Totals.Fallbacks == 1 {
				return
			}
		}
		t.Errorf("no fallback is counted: %+v", stateOf(t, h).Services)
	})
}
