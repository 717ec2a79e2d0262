package container_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// searcher is a second service beside the gateway.
type searcher func(context.Context, string) error

func newSearcher() searcher { return func(context.Context, string) error { return errDown } }

// healthLine is one line of what health says of a service.
func healthLine(s container.ServiceHealth) string {
	line := fmt.Sprintf("%s %v critical=%v", strings.TrimPrefix(s.Name, "container_test."), s.State, s.Critical)
	for _, b := range s.CircuitBreakers {
		line += fmt.Sprintf(" [%s %v %s]", strings.TrimPrefix(b.Name, "container_test."), b.State, b.Mode)
	}
	return line
}

func TestHealthIsThatOfCriticalServices(t *testing.T) {
	virtual(t, func(t *testing.T) {
		breaker := policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Minute}
		catalog := func(critical string) policy.Catalog {
			return policy.Catalog{
				CircuitBreakers: map[string]policy.CircuitBreaker{"bank": breaker},
				Policies: map[string]policy.Policy{
					"guarded": breaker, "refund": policy.CircuitBreaker{Name: "bank"},
				},
				Services: map[string]policy.Service{
					"container_test.gateway": {Policy: "guarded", Methods: map[string]string{"Refund": "refund"}},
					critical:                 {Policy: "guarded", Critical: true},
				},
			}
		}
		c, err := container.New(catalog("container_test.searcher"))
		if err != nil {
			t.Fatal(err)
		}
		o := c.Orchestrator()
		if h := o.Health(); !h.Ready || h.Services == nil || len(h.Services) != 0 {
			t.Errorf("without any service: %+v", h)
		}
		for _, ctor := range []any{newBank, newSearcher} {
			if err := c.Provide(container.Tag(ctor, "guarded")); err != nil {
				t.Fatal(err)
			}
		}
		var g gateway
		var find searcher
		if err := c.Invoke(func(its gateway, l searcher) { g, find = its, l }); err != nil {
			t.Fatal(err)
		}
		want := func(ready bool, lines ...string) {
			t.Helper()
			h := o.Health()
			var got []string
			for _, s := range h.Services {
				got = append(got, healthLine(s))
			}
			if h.Ready != ready || !slices.Equal(got, lines) {
				t.Errorf("ready: %v, want %v\n\t%s\nwant\n\t%s", h.Ready, ready, strings.Join(got, "\n\t"), strings.Join(lines, "\n\t"))
			}
		}
		const closed = "[gateway closed automatic]"
		want(true, "gateway closed critical=false [bank closed automatic] "+closed, "searcher closed critical=true [searcher closed automatic]")

		bankOf(g).failures = 1
		_ = g.Refund(t.Context(), "r")
		want(true, "gateway open critical=false [bank open automatic] "+closed, "searcher closed critical=true [searcher closed automatic]")
		_ = find(t.Context(), "x")
		want(false, "gateway open critical=false [bank open automatic] "+closed, "searcher open critical=true [searcher open automatic]")

		// Were it not ready until a call succeeds, none would come to succeed.
		time.Sleep(time.Minute)
		want(true, "gateway half-open critical=false [bank half-open automatic] "+closed, "searcher half-open critical=true [searcher half-open automatic]")

		its, _ := o.CircuitBreaker("container_test.searcher")
		its.Reset()
		its.ForceOpen()
		want(false, "gateway half-open critical=false [bank half-open automatic] "+closed, "searcher open critical=true [searcher open forced_open]")
		its.Disable()
		want(true, "gateway half-open critical=false [bank half-open automatic] "+closed, "searcher closed critical=true [searcher closed disabled]")

		// What is critical is the profile's, also once it is reloaded.
		if err := o.Reload(catalog("container_test.gateway")); err != nil {
			t.Fatal(err)
		}
		its.ForceOpen()
		want(true, "gateway closed critical=true [gateway closed automatic]", "searcher open critical=false [searcher open forced_open]")
	})
}

// One node of a cluster that is down does not take the application away from the
// others.
func TestOfAClustersNodesTheBestCounts(t *testing.T) {
	box, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{}},
		Services: map[string]policy.Service{"container_test.shards": {Critical: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() shards { return oneIsDown{} }, "guarded")); err != nil {
		t.Fatal(err)
	}
	if err := box.Invoke(func(s shards) { _, _ = s.Ask(t.Context(), "a"), s.Ask(t.Context(), "b") }); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		node, want string
		ready      bool
	}{
		{"a", "shards closed critical=true [shards closed automatic] [shards/a open forced_open] [shards/b closed automatic]", true},
		{"b", "shards open critical=true [shards closed automatic] [shards/a open forced_open] [shards/b open forced_open]", false},
	} {
		b, _ := box.Orchestrator().CircuitBreaker("container_test.shards/" + tt.node)
		b.ForceOpen()
		h := box.Orchestrator().Health()
		if len(h.Services) != 1 || h.Ready != tt.ready || healthLine(h.Services[0]) != tt.want {
			t.Errorf("ready: %v, %+v; want %v, %s", h.Ready, h.Services, tt.ready, tt.want)
		}
	}
}
