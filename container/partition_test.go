package container_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

type tenantKey struct{}

func tenant(ctx context.Context) string {
	name, _ := ctx.Value(tenantKey{}).(string)
	return name
}

func of(t *testing.T, name string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), tenantKey{}, name)
}

// byTenant fails for the tenants that are down.
type byTenant struct {
	desk
	mu   sync.Mutex
	down map[string]bool
	n    int
}

func (b *byTenant) Rate(ctx context.Context, _ string) (float64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	if b.down[tenant(ctx)] {
		return 0, errDown
	}
	return float64(b.n), nil
}

func partitioned(t *testing.T, catalog policy.Catalog, d exchanger, opts ...container.Option) (e exchanger, o *container.Orchestrator) {
	t.Helper()
	app := fx.New(fx.NopLogger, fx.Provide(
		func() (*container.Orchestrator, policy.Orchestrator, error) {
			o, err := container.NewOrchestrator(catalog, opts...)
			return o, o, err
		},
		container.NamedValues(catalog),
		container.Tag(func() exchanger { return d }, "rates", container.Partition(tenant)),
	), fx.Populate(&e, &o))
	if err := app.Err(); err != nil {
		t.Fatal(err)
	}
	return e, o
}

func rates(layers ...policy.Policy) policy.Catalog {
	return policy.Catalog{Policies: map[string]policy.Policy{"rates": policy.Combine(layers...)}}
}

func breakerNames(o *container.Orchestrator) (names []string) {
	for _, b := range o.CircuitBreakers() {
		names = append(names, strings.TrimPrefix(b.Name(), "container_test.exchanger"))
	}
	return names
}

func TestEachPartitionHasItsOwnBreakerAndLimiter(t *testing.T) {
	virtual(t, func(t *testing.T) {
		d := &byTenant{down: map[string]bool{"a": true}}
		e, o := partitioned(t, rates(policy.CircuitBreaker{FailureThreshold: 2}, policy.RateLimit{RequestsPerSecond: 0.001, Burst: 3}), d)
		for range 3 {
			_, _ = e.Rate(of(t, "a"), "EUR")
		}
		_, err := e.Rate(of(t, "a"), "EUR")
		var open *policy.CircuitOpenError
		if !errors.As(err, &open) || open.Name != "container_test.exchanger/a" {
			t.Errorf("got %v, want the breaker of a to be open", err)
		}
		for _, name := range []string{"b", ""} {
			for range 3 {
				if _, err := e.Rate(of(t, name), "EUR"); err != nil {
					t.Errorf("%q: got %v", name, err)
				}
			}
			if _, err := e.Rate(of(t, name), "EUR"); !errors.Is(err, policy.ErrRateLimited) {
				t.Errorf("%q: got %v, want its own limit to be reached", name, err)
			}
		}
		if got := breakerNames(o); !slices.Equal(got, []string{"", "/a", "/b"}) {
			t.Errorf("breakers are %q", got)
		}
		if b, ok := o.CircuitBreaker("container_test.exchanger/a"); !ok || b.State() != policy.StateOpen {
			t.Error("the breaker of a is not found by its name, or not open")
		}
		if n := len(o.Services()); n != 1 {
			t.Errorf("%d services, want the one", n)
		}
		if m := o.Metrics(); len(m.Operations) != 1 || m.TotalOperations != 12 {
			t.Errorf("counted %+v, want all under the one operation", m)
		}
	})
}

func TestWhatHasANameIsSharedByAllPartitions(t *testing.T) {
	c := rates(policy.CircuitBreaker{Name: "bank"})
	c.CircuitBreakers = map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 1}}
	e, _ := partitioned(t, c, &byTenant{down: map[string]bool{"a": true}})
	_, _ = e.Rate(of(t, "a"), "EUR")
	if _, err := e.Rate(of(t, "b"), "EUR"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
}

// The one that was not used for longest makes room, but for one that is down.
func TestPartitionsAreBounded(t *testing.T) {
	d := &byTenant{down: map[string]bool{"0": true}}
	e, o := partitioned(t, rates(policy.CircuitBreaker{FailureThreshold: 1}), d, container.WithMaxPartitions(3))
	for i := range 100 {
		_, _ = e.Rate(of(t, fmt.Sprint(i)), "EUR")
	}
	if got := breakerNames(o); !slices.Equal(got, []string{"", "/0", "/98", "/99"}) {
		t.Errorf("breakers are %q", got)
	}
	if _, err := e.Rate(of(t, "0"), "EUR"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v, want the breaker of 0 to be open still", err)
	}
}

// A partition that was forgotten while calls of it were under way came back with a
// bulkhead that did not know of them, and let more in than it may.
func TestAPartitionInUseIsNotForgotten(t *testing.T) {
	enter, leave := make(chan struct{}), make(chan struct{})
	d := &waiting{enter: enter, leave: leave}
	e, _ := partitioned(t, rates(policy.Bulkhead{MaxConcurrent: 1}), d, container.WithMaxPartitions(3))
	done := make(chan error)
	go func() {
		_, err := e.Rate(of(t, "busy"), "EUR")
		done <- err
	}()
	<-enter
	for i := range 100 {
		if _, err := e.Rate(of(t, fmt.Sprint(i)), "EUR"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.Rate(of(t, "busy"), "EUR"); !errors.Is(err, policy.ErrBulkheadFull) {
		t.Errorf("got %v beside a call that is under way", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// waiting answers at once, but the first call of the tenant that is busy.
type waiting struct {
	desk
	once         sync.Once
	enter, leave chan struct{}
}

func (w *waiting) Rate(ctx context.Context, _ string) (float64, error) {
	if tenant(ctx) == "busy" {
		w.once.Do(func() { close(w.enter); <-w.leave })
	}
	return 1, nil
}

// What somebody has decided of a partition's breaker holds until they say otherwise.
func TestAPartitionThatIsForcedIsNotForgotten(t *testing.T) {
	e, o := partitioned(t, rates(policy.CircuitBreaker{FailureThreshold: 1}), &byTenant{}, container.WithMaxPartitions(3))
	_, _ = e.Rate(of(t, "held"), "EUR")
	for _, b := range o.CircuitBreakers() {
		if strings.HasSuffix(b.Name(), "/held") {
			b.Disable()
		}
	}
	for i := range 100 {
		_, _ = e.Rate(of(t, fmt.Sprint(i)), "EUR")
	}
	if got := breakerNames(o); !slices.Equal(got, []string{"", "/98", "/99", "/held"}) {
		t.Errorf("breakers are %q", got)
	}
}

// The only tenant that is down is no reason for the application not to be ready; that
// all are is one.
func TestHealthIsThatOfTheBestPartition(t *testing.T) {
	virtual(t, func(t *testing.T) {
		d := &byTenant{down: map[string]bool{"b": true}}
		c := rates(policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour})
		c.Services = map[string]policy.Service{"container_test.exchanger": {Policy: "rates", Critical: true}}
		e, o := partitioned(t, c, d, container.WithMaxPartitions(3))
		health := func(ready bool, state policy.State, want container.PartitionsHealth) {
			t.Helper()
			h := o.Health()
			if s := h.Services[0]; h.Ready != ready || s.State != state || s.Partitions == nil || !reflect.DeepEqual(*s.Partitions, want) {
				t.Errorf("ready: %v, %+v %+v; want %v, %v, %+v", h.Ready, s, s.Partitions, ready, state, want)
			}
		}
		health(true, policy.StateClosed, container.PartitionsHealth{Max: 3})
		for _, name := range []string{"", "c", "b", "a"} {
			_, _ = e.Rate(of(t, name), "EUR")
		}
		health(true, policy.StateClosed, container.PartitionsHealth{Known: 3, Max: 3, Open: []string{"b"}})
		d.down["a"], d.down["c"] = true, true
		_, _ = e.Rate(of(t, "a"), "EUR")
		_, _ = e.Rate(of(t, "c"), "EUR")
		health(false, policy.StateOpen, container.PartitionsHealth{Known: 3, Max: 3, Open: []string{"a", "b", "c"}})
		_, _ = e.Rate(of(t, "d"), "EUR")
		health(true, policy.StateClosed, container.PartitionsHealth{Known: 3, Max: 3, Dropped: 1, Open: []string{"a", "c"}})
	})
}

func TestPartitionsKeepTheirStateOverReloads(t *testing.T) {
	d := &byTenant{down: map[string]bool{"a": true}}
	breaker := policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour}
	e, o := partitioned(t, rates(breaker), d)
	_, _ = e.Rate(of(t, "a"), "EUR")
	if err := o.Reload(rates(policy.Timeout(time.Minute), breaker)); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Rate(of(t, "a"), "EUR"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
	if err := o.Reload(rates(policy.None{})); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Rate(of(t, "a"), "EUR"); !errors.Is(err, errDown) {
		t.Errorf("got %v: there is no policy any more", err)
	}
}

// An old answer is one of the same tenant's.
func TestOldAnswersAreThoseOfThePartition(t *testing.T) {
	d := &byTenant{down: map[string]bool{}}
	e, _ := partitioned(t, rates(policy.Stale(time.Hour)), d)
	_, _ = e.Rate(of(t, "a"), "EUR")
	d.down["a"], d.down["b"] = true, true
	if got, err := e.Rate(of(t, "a"), "EUR"); got != 1 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := e.Rate(of(t, "b"), "EUR"); !errors.Is(err, errDown) {
		t.Errorf("b was given what a was: %v, %v", got, err)
	}
}

func TestPartitionsAreForManyGoroutines(t *testing.T) {
	d := &byTenant{down: map[string]bool{"3": true}}
	c := rates(attempts(2), policy.CircuitBreaker{FailureThreshold: 2})
	e, o := partitioned(t, c, d, container.WithMaxPartitions(5))
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				_, _ = e.Rate(of(t, fmt.Sprint((g+i)%12)), "EUR")
				if i%50 == 0 {
					_ = o.Reload(c)
					_ = o.CircuitBreakers()
				}
			}
		})
	}
	all.Wait()
	if m := o.Metrics(); m.TotalOperations != 1600 || m.SuccessfulOperations+m.FailedOperations != 1600 {
		t.Errorf("counted %+v", m.Totals)
	}
	if n := len(o.CircuitBreakers()); n > 6 {
		t.Errorf("%d breakers for 5 partitions and the whole", n)
	}
}
