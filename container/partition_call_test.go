package container_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// shards is a dependency of several parts.
type shards interface {
	Ask(ctx context.Context, part string) error
}

type shardsProxy struct {
	container.Proxied
	next shards
	ask  *container.Pipeline
}

func (p *shardsProxy) Ask(ctx context.Context, part string) (err error) {
	call := p.ask.Begin(ctx)
	defer call.End()
	call.Partition(part)
	for call.Next(&err) {
		err = p.next.Ask(call.Context(), part)
	}
	return err
}

func init() {
	container.RegisterProxy(func(next shards, m container.Methods) shards {
		return &shardsProxy{container.Proxied{Value: next}, next, m.Method("Ask")}
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

func TestACallSaysOfWhichPartitionItIs(t *testing.T) {
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

// sharded is a shards under a policy, and what it stands for fails for some keys.
func sharded(t *testing.T, catalog policy.Catalog, next shards, opts ...container.TagOption) (shards, *container.Orchestrator) {
	t.Helper()
	box, err := container.New(catalog, container.WithMaxPartitions(20))
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() shards { return next }, "parted", opts...)); err != nil {
		t.Fatal(err)
	}
	var s shards
	if err := box.Invoke(func(got shards) { s = got }); err != nil {
		t.Fatal(err)
	}
	return s, box.Orchestrator()
}

func parted(layers ...policy.Policy) policy.Catalog {
	return policy.Catalog{Policies: map[string]policy.Policy{"parted": policy.Combine(layers...)}}
}

// Where the context and the call both say something, the call is of both.
func TestAPartitionByTheContextAndTheCall(t *testing.T) {
	s, o := sharded(t, parted(policy.CircuitBreaker{FailureThreshold: 1}), oneIsDown{}, container.Partition(tenant))
	_ = s.Ask(of(t, "7"), "a")
	if err := s.Ask(of(t, "8"), "a"); !errors.Is(err, errShard) {
		t.Errorf("another tenant: %v", err)
	}
	if err := s.Ask(of(t, "7"), "b"); err != nil {
		t.Errorf("another shard: %v", err)
	}
	if err := s.Ask(of(t, "7"), ""); err != nil {
		t.Errorf("no shard: %v", err)
	}
	if err := s.Ask(of(t, "7"), "a"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
	want := []string{"", "/7", "/7/a", "/7/b", "/8/a"}
	var got []string
	for _, b := range o.CircuitBreakers() {
		got = append(got, strings.TrimPrefix(b.Name(), "container_test.shards"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("breakers are %q, want %q", got, want)
	}
	// A tenant that calls itself what others' keys amount to shares nothing with them.
	if err := s.Ask(of(t, "7/a"), ""); err != nil {
		t.Errorf("another key of the same look: %v", err)
	}
}

// Who may choose keys chooses neither what names look like nor how long they are.
func TestKeysAreHarmlessAndBounded(t *testing.T) {
	s, o := sharded(t, parted(policy.CircuitBreaker{FailureThreshold: 1}), oneIsDown{})
	long := strings.Repeat("x", 1<<20)
	for _, key := range []string{"\x1b[2J\xff", long + "1", long + "2"} {
		if err := s.Ask(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, b := range o.CircuitBreakers() {
		names = append(names, b.Name())
		if len(b.Name()) > 200 || strings.ContainsRune(b.Name(), 0x1b) || !utf8.ValidString(b.Name()) {
			t.Errorf("a breaker is named %.300q", b.Name())
		}
	}
	if len(names) != 4 {
		t.Errorf("breakers are %q: keys that differ share one", names)
	}
}

// failingFor fails for the keys that begin with something.
type failingFor string

func (f failingFor) Ask(_ context.Context, part string) error {
	if strings.HasPrefix(part, string(f)) {
		return errShard
	}
	return nil
}

// Who may choose keys that fail could open all that is remembered: neither does that
// take a breaker from those who use theirs, nor make the service unready.
func TestManyPartitionsThatAreDown(t *testing.T) {
	virtual(t, func(t *testing.T) {
		catalog := parted(policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour})
		catalog.Services = map[string]policy.Service{"container_test.shards": {Critical: true}}
		s, o := sharded(t, catalog, failingFor("bad"))
		_, _ = s.Ask(t.Context(), "bad, and used"), s.Ask(t.Context(), "bad, and used")
		for i := range 1000 {
			for range 2 {
				_ = s.Ask(t.Context(), "bad"+strconv.Itoa(i))
			}
			if err := s.Ask(t.Context(), "good"); err != nil {
				t.Fatalf("after %d: %v", i, err)
			}
			if err := s.Ask(t.Context(), "bad, and used"); !errors.Is(err, policy.ErrCircuitOpen) {
				t.Fatalf("after %d: %v of one that is in use", i, err)
			}
			if !o.Health().Ready {
				t.Fatalf("after %d it is not ready", i)
			}
		}
		if n := len(o.CircuitBreakers()); n > 21 {
			t.Errorf("%d breakers", n)
		}
		// The one that works may have been forgotten: nobody can say that all are down.
		for i := range 100 {
			for range 2 {
				_ = s.Ask(t.Context(), "bad"+strconv.Itoa(i))
			}
		}
		if !o.Health().Ready {
			t.Error("not ready for what others choose")
		}
		time.Sleep(2 * time.Minute)
		if o.Health().Ready {
			t.Error("ready, where all that are known have been down for long")
		}
	})
}

// The candidate of a dry run had one breaker for all, which one tenant opened.
func TestADryRunHasPartitionsAsWell(t *testing.T) {
	breaker := policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour}
	s, o := sharded(t, parted(policy.Timeout(time.Minute)), failingFor("bad"), container.Partition(tenant))
	_ = s.Ask(of(t, "7"), "bad") // there is a partition before there is a dry run
	if err := o.SetShadow("candidate", parted(breaker)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, _ = s.Ask(of(t, "7"), "bad"), s.Ask(of(t, "8"), "good")
	}
	runner, err := o.For("op", breaker)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		call := runner.(*container.Pipeline).Begin(t.Context())
		call.Partition("host")
		for err := error(nil); call.Next(&err); {
			err = errShard
		}
		call.End()
	}
	var got []string
	for _, b := range shadowOf(t, o).CircuitBreakers {
		got = append(got, strings.TrimPrefix(b.Name, "container_test.")+" "+b.State.String())
	}
	want := []string{"shards closed", "shards/7/bad open", "shards/8/good closed", "op closed", "op/host open"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("breakers are %q, want %q", got, want)
	}
	m := shadowOf(t, o)
	if m.CircuitBreakerTrips != 2 || m.CircuitBreakerRejections != 2 {
		t.Errorf("%+v", m.Totals)
	}
	if len(o.CircuitBreakers()) != 2 { // of the operation, in force
		t.Errorf("in force are %v", o.CircuitBreakers())
	}
}

// One that is down may make room for others, but not one that somebody has decided on.
func TestOfPartitionsThatAreAllDownTheForcedStays(t *testing.T) {
	s, o := sharded(t, parted(policy.CircuitBreaker{FailureThreshold: 1}, policy.RateLimit{RequestsPerSecond: 1000}), failingFor(""))
	_, _ = s.Ask(t.Context(), "held"), s.Ask(t.Context(), "slowed")
	b, _ := o.CircuitBreaker("container_test.shards/held")
	b.ForceOpen()
	l, _ := o.RateLimiter("container_test.shards/slowed")
	if err := l.Override(0.001, 1); err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		_ = s.Ask(t.Context(), strconv.Itoa(i))
	}
	if known, _ := o.CircuitBreaker("container_test.shards/held"); known != b {
		t.Error("it was forgotten")
	}
	if known, _ := o.RateLimiter("container_test.shards/slowed"); known != l {
		t.Error("one whose limiter somebody has set to another rate was forgotten")
	}
	if b.PartitionOf() != "container_test.shards" || l.PartitionOf() != "container_test.shards" {
		t.Errorf("they are of %q and %q", b.PartitionOf(), l.PartitionOf())
	}
	if n := len(o.CircuitBreakers()); n != 21 {
		t.Errorf("%d breakers of 20 partitions and the whole", n)
	}
}

// A partition's breaker that two policies share stays with the one that a reload leaves
// as it is.
func TestAReloadLeavesAPartitionItsBreaker(t *testing.T) {
	breaker := func(threshold uint32) policy.Policy {
		return policy.CircuitBreaker{FailureThreshold: threshold, RecoveryTimeout: time.Hour}
	}
	for _, changed := range []string{"rates", "books"} {
		d := &byTenant{down: map[string]bool{"a": true}}
		d.book = func(context.Context) error { return errDown }
		c := policy.Catalog{
			Policies: map[string]policy.Policy{"rates": breaker(1), "books": breaker(1)},
			Services: map[string]policy.Service{"container_test.exchanger": {Methods: map[string]string{"Book": "books"}}},
		}
		e, o := partitioned(t, c, d)
		_, _ = e.Rate(of(t, "a"), "EUR")
		calls := map[string]func() error{
			"rates": func() error { _, err := e.Rate(of(t, "a"), "EUR"); return err },
			"books": func() error { _, err := e.Book(of(t, "a"), 1); return err },
		}
		for name, call := range calls {
			if err := call(); !errors.Is(err, policy.ErrCircuitOpen) {
				t.Fatalf("%s: %v: they share no breaker", name, err)
			}
		}
		c.Policies = map[string]policy.Policy{"rates": breaker(1), "books": breaker(1), changed: breaker(3)}
		if err := o.Reload(c); err != nil {
			t.Fatal(err)
		}
		for name, call := range calls {
			if err := call(); errors.Is(err, policy.ErrCircuitOpen) != (name != changed) {
				t.Errorf("%s has changed, and %s: %v", changed, name, err)
			}
		}
	}
}
