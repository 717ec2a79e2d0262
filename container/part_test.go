package container_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// shards is a dependency of several parts.
type shards interface {
	Ask(ctx context.Context, part string) error
}

type shardsProxy struct {
	container.Proxied
	next  shards
	parts map[string]*container.Pipeline
}

func (p *shardsProxy) Ask(ctx context.Context, part string) (err error) {
	call := p.parts[part].Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Ask(call.Context(), part)
	}
	return err
}

func init() {
	container.RegisterProxy(func(next shards, m container.Methods) shards {
		p := &shardsProxy{container.Proxied{Value: next}, next, make(map[string]*container.Pipeline)}
		for _, name := range []string{"a", "b"} {
			p.parts[name] = m.Part(name).Method("Ask")
		}
		return p
	})
}

var errShard = errors.New("this one is down")

type oneIsDown struct{}

func (oneIsDown) Ask(_ context.Context, part string) error {
	if part == "a" {
		return errShard
	}
	return nil
}

func TestPartsHaveBreakersAndLimitersOfTheirOwn(t *testing.T) {
	catalog := func(threshold uint32) policy.Catalog {
		return policy.Catalog{
			Policies: map[string]policy.Policy{
				"parted": policy.Combine(policy.CircuitBreaker{FailureThreshold: threshold, RecoveryTimeout: time.Hour}, policy.RateLimit{RequestsPerSecond: 1000, Burst: 1000}),
				"shared": policy.CircuitBreaker{Name: "all"},
			},
			CircuitBreakers: map[string]policy.CircuitBreaker{"all": {FailureThreshold: 2}},
		}
	}
	box, err := container.New(catalog(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() shards { return oneIsDown{} }, "parted")); err != nil {
		t.Fatal(err)
	}
	var s shards
	if err := box.Invoke(func(got shards) { s = got }); err != nil {
		t.Fatal(err)
	}
	ctx, o := t.Context(), box.Orchestrator()
	for range 3 {
		_ = s.Ask(ctx, "a")
	}
	state := func(want policy.State) *container.CircuitBreaker {
		t.Helper()
		b, ok := o.CircuitBreaker("container_test.shards/a")
		if !ok || b.State() != want {
			t.Errorf("%v, %v", b, o.CircuitBreakers())
		}
		return b
	}
	if err := s.Ask(ctx, "a"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("the part that is down: %v", err)
	}
	if err := s.Ask(ctx, "b"); err != nil {
		t.Errorf("the other part: %v", err)
	}
	before := state(policy.StateOpen)
	if _, ok := o.RateLimiter("container_test.shards/b"); !ok {
		t.Errorf("there are %v", o.RateLimiters())
	}
	if err := o.Reload(catalog(2)); err != nil { // what did not change keeps its state
		t.Fatal(err)
	}
	if state(policy.StateOpen) != before {
		t.Error("a reload made another breaker")
	}
	if err := o.Reload(catalog(5)); err != nil { // what did starts a new count
		t.Fatal(err)
	}
	if state(policy.StateClosed) != before {
		t.Error("a reload made another breaker of one that changed")
	}
	if got := o.Metrics().Operations; len(got) != 1 || got["container_test.shards.Ask"].TotalOperations != 5 {
		t.Errorf("%+v", got)
	}
	services := o.Services()
	if len(services) != 1 || services[0].Name != "container_test.shards" {
		t.Errorf("%+v", services)
	}
	changed := catalog(5)
	changed.Services = map[string]policy.Service{"container_test.shards": {Policy: "shared"}}
	if err := o.Reload(changed); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_ = s.Ask(ctx, "a")
	}
	if err := s.Ask(ctx, "b"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("a breaker that has a name is everybody's: %v", err)
	}
}
