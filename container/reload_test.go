package container_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

func reload(t *testing.T, o *container.Orchestrator, c policy.Catalog) {
	t.Helper()
	if err := o.Reload(c); err != nil {
		t.Fatal(err)
	}
}

// one is a catalog of one policy.
func one(name string, p policy.Policy) policy.Catalog {
	return policy.Catalog{Policies: map[string]policy.Policy{name: p}}
}

func attemptsOf(t *testing.T, r policy.Runner) int {
	t.Helper()
	s := fails(1000)
	_ = r.Run(t.Context(), s.call)
	return s.calls
}

func TestReloadTakesEffectForThoseWhoHoldAPipeline(t *testing.T) {
	o := newOrchestrator(t, one("p", attempts(2)))
	held, _ := o.Pipeline("p")
	if got := attemptsOf(t, held); got != 2 {
		t.Errorf("before: %d attempts", got)
	}
	reload(t, o, one("p", attempts(4)))
	if got := attemptsOf(t, held); got != 4 {
		t.Errorf("after: %d attempts, want 4", got)
	}
	if again, err := o.Pipeline("p"); err != nil || again != held {
		t.Errorf("it is another pipeline now: %v", err)
	}
	reload(t, o, one("p", policy.None{}))
	if got := attemptsOf(t, held); got != 1 {
		t.Errorf("with nothing to do: %d attempts", got)
	}
	if got := o.Metrics().TotalOperations; got != 3 {
		t.Errorf("%d operations counted: a reload must not forget any", got)
	}
}

func TestReloadTakesEffectForWrappedServices(t *testing.T) {
	c := profile
	app := fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(newBank, "external_api")), fx.Invoke(func(g gateway, o *container.Orchestrator) {
		wantAttempts(t, g, 3)
		c.Policies = map[string]policy.Policy{"external_api": attempts(6), "patient": attempts(9)}
		reload(t, o, c)
		wantAttempts(t, g, 6)
		c.Services = map[string]policy.Service{"container_test.gateway": {Methods: map[string]string{"Charge": "patient"}}}
		reload(t, o, c)
		wantAttempts(t, g, 9)
		c.Services = nil
		reload(t, o, c)
		wantAttempts(t, g, 6)
	}))
	if err := app.Err(); err != nil {
		t.Error(err)
	}
}

// Whole, or not at all.
func TestABadCatalogChangesNothing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		before := policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{"b": {FailureThreshold: 2}},
			RateLimiters:    map[string]policy.RateLimit{"l": {RequestsPerSecond: 1, Burst: 5}},
			Policies:        map[string]policy.Policy{"p": policy.Combine(attempts(2), policy.CircuitBreaker{Name: "b"})},
		}
		for name, bad := range map[string]func(*policy.Catalog){
			"a bad policy":    func(c *policy.Catalog) { c.Policies["q"] = policy.Timeout(-1) },
			"a bad breaker":   func(c *policy.Catalog) { c.CircuitBreakers["c"] = policy.CircuitBreaker{Window: -1} },
			"a bad reference": func(c *policy.Catalog) { c.Policies["q"] = policy.CircuitBreaker{Name: "x"} },
			"a bad choice":    func(c *policy.Catalog) { c.Services = map[string]policy.Service{"s": {Policy: "x"}} },
			"a bad method": func(c *policy.Catalog) {
				c.Services = map[string]policy.Service{"container_test.gateway": {Methods: map[string]string{"Chrge": "p"}}}
			},
			"what is used":     func(c *policy.Catalog) { delete(c.Policies, "p") },
			"a bad name":       func(c *policy.Catalog) { c.Policies["none"] = attempts(2) },
			"two descriptions": func(c *policy.Catalog) { c.Policies["q"] = policy.CircuitBreaker{Name: "b", FailureThreshold: 7} },
		} {
			app := fx.New(fx.NopLogger, provided(before), fx.Provide(container.Tag(newBank, "p")), fx.Invoke(func(g gateway, o *container.Orchestrator) {
				b, _ := o.CircuitBreaker("b")
				_ = attemptsOf(t, pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"})) // one failure
				after := policy.Catalog{
					CircuitBreakers: map[string]policy.CircuitBreaker{"b": {FailureThreshold: 3}, "new": {}},
					RateLimiters:    map[string]policy.RateLimit{"l": {RequestsPerSecond: 1, Burst: 1}},
					Policies:        map[string]policy.Policy{"p": policy.Combine(attempts(9), policy.CircuitBreaker{Name: "b"}), "more": attempts(2)},
				}
				bad(&after)
				if err := o.Reload(after); err == nil {
					t.Errorf("%s: it was accepted", name)
				}
				if _, ok := o.CircuitBreaker("new"); ok {
					t.Errorf("%s: a breaker of the bad catalog is there", name)
				}
				if _, err := o.Pipeline("more"); err == nil {
					t.Errorf("%s: a policy of the bad catalog is there", name)
				}
				if l, _ := o.RateLimiter("l"); l.Tokens() != 5 {
					t.Errorf("%s: %v tokens, want the 5 from before", name, l.Tokens())
				}
				bankOf(g).failures = 1000
				_, _ = g.Charge(t.Context(), 1)
				if bankOf(g).charges != 1 { // the second failure of two, in the middle of two attempts
					t.Errorf("%s: %d attempts before the breaker tripped, want 1 as before", name, bankOf(g).charges)
				}
				wantState(t, b, policy.StateOpen)
			}))
			if err := app.Err(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Unchanged breakers once lost their state.
func TestReloadKeepsTheStateOfWhatDidNotChange(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c := policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{"same": {FailureThreshold: 1}, "other": {FailureThreshold: 1}, "gone": {FailureThreshold: 1}},
			RateLimiters:    map[string]policy.RateLimit{"same": {RequestsPerSecond: 1, Burst: 9}, "other": {RequestsPerSecond: 1, Burst: 9}},
			Policies:        map[string]policy.Policy{"p": policy.CircuitBreaker{FailureThreshold: 1}},
		}
		o := newOrchestrator(t, c)
		inCode := registered(t, o, "in code", policy.CircuitBreaker{FailureThreshold: 1})
		breakers := map[string]*container.CircuitBreaker{"in code": inCode}
		for _, name := range []string{"same", "other", "gone", "in code"} {
			breakers[name], _ = o.CircuitBreaker(name)
			trip(t, pipelineFor(t, o, "op of "+name, policy.CircuitBreaker{Name: name}), breakers[name])
		}
		for _, name := range []string{"same", "other"} {
			p := pipelineFor(t, o, "calls of "+name, policy.RateLimit{Name: name})
			for range 4 {
				_ = p.Run(t.Context(), works)
			}
		}
		unnamed, _ := o.Pipeline("p")
		_ = unnamed.Run(t.Context(), always(errDown))

		reload(t, o, policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{"same": {FailureThreshold: 1}, "other": {FailureThreshold: 2}},
			RateLimiters:    map[string]policy.RateLimit{"same": {RequestsPerSecond: 1, Burst: 9}, "other": {RequestsPerSecond: 100, Burst: 20}},
			Policies:        map[string]policy.Policy{"p": policy.Combine(attempts(2), policy.CircuitBreaker{FailureThreshold: 1})},
		})
		wantState(t, breakers["same"], policy.StateOpen)
		wantState(t, breakers["in code"], policy.StateOpen)
		wantState(t, breakers["other"], policy.StateClosed) // changed: a new count
		for _, name := range []string{"same", "other", "in code"} {
			if b, ok := o.CircuitBreaker(name); !ok || b != breakers[name] {
				t.Errorf("%s is another breaker now", name)
			}
		}
		if _, ok := o.CircuitBreaker("gone"); ok {
			t.Error("what the catalog no longer names is still there")
		}
		for _, name := range []string{"same", "other"} {
			if l, _ := o.RateLimiter(name); l.Tokens() != 5 {
				t.Errorf("limiter %s: %v tokens, want the 5 that were left", name, l.Tokens())
			}
		}
		wantIs(t, unnamed.Run(t.Context(), works), policy.ErrCircuitOpen)
	})
}

// An unnamed breaker or limiter whose settings change stays the one of its
// service, too: the limiter keeps its tokens, the breaker starts a new count.
func TestReloadChangesUnnamedThingsInPlace(t *testing.T) {
	virtual(t, func(t *testing.T) {
		before := one("p", policy.Combine(policy.RateLimit{RequestsPerSecond: 0.001, Burst: 9}, policy.CircuitBreaker{FailureThreshold: 3}))
		app := fx.New(fx.NopLogger, provided(before), fx.Provide(container.Tag(newBank, "p")), fx.Invoke(func(g gateway, o *container.Orchestrator) {
			b := bankOf(g)
			b.failures = 1000
			for range 2 {
				_, _ = g.Charge(t.Context(), 1) // two failures, two tokens
			}
			reload(t, o, one("p", policy.Combine(policy.RateLimit{RequestsPerSecond: 0.002, Burst: 9}, policy.CircuitBreaker{FailureThreshold: 3})))
			_, err := g.Charge(t.Context(), 1)
			wantIs(t, err, errDown)
			_, err = g.Charge(t.Context(), 1)
			wantIs(t, err, policy.ErrCircuitOpen) // the breaker did not change and remembers

			reload(t, o, one("p", policy.Combine(policy.RateLimit{RequestsPerSecond: 0.002, Burst: 9}, policy.CircuitBreaker{FailureThreshold: 100})))
			passed := b.charges
			for range 20 {
				_, err = g.Charge(t.Context(), 1)
			}
			wantIs(t, err, policy.ErrRateLimited)
			if got := b.charges - passed; got != 9-3 { // the call that the breaker refused gave its own back
				t.Errorf("%d calls passed, want the 6 tokens that were left of 9", got)
			}
		}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}

// Of two policies that shared a breaker, one changes: it takes another, and the
// one that stayed as it was keeps its own.
func TestReloadSplitsWhatTwoPoliciesShared(t *testing.T) {
	virtual(t, func(t *testing.T) {
		catalog := func(threshold uint32) policy.Catalog {
			return policy.Catalog{Policies: map[string]policy.Policy{
				"charge": policy.CircuitBreaker{FailureThreshold: threshold},
				"refund": policy.CircuitBreaker{FailureThreshold: 2},
			}}
		}
		app := fx.New(fx.NopLogger, provided(catalog(2)), fx.Provide(container.Tag(newBank, "charge", container.Method("Refund", "refund"))), fx.Invoke(func(g gateway, o *container.Orchestrator) {
			bankOf(g).failures = 1000
			_ = g.Refund(t.Context(), "r")
			reload(t, o, catalog(5))
			for range 4 {
				_, err := g.Charge(t.Context(), 1)
				wantIs(t, err, errDown)
			}
			wantIs(t, g.Refund(t.Context(), "r"), errDown) // the second of its own two
			wantIs(t, g.Refund(t.Context(), "r"), policy.ErrCircuitOpen)
			_, err := g.Charge(t.Context(), 1)
			wantIs(t, err, errDown)
			_, err = g.Charge(t.Context(), 1)
			wantIs(t, err, policy.ErrCircuitOpen)
		}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}

// The same, where it is the inner one of two layers that changes.
func TestReloadSplitsWhatStandsFurtherIn(t *testing.T) {
	virtual(t, func(t *testing.T) {
		catalog := func(rate float64, threshold uint32) policy.Catalog {
			layers := func(rate float64, threshold uint32) policy.Policy {
				return policy.Combine(
					policy.CircuitBreaker{FailureThreshold: 50}, policy.CircuitBreaker{FailureThreshold: threshold},
					policy.RateLimit{RequestsPerSecond: 0.001, Burst: 50}, policy.RateLimit{RequestsPerSecond: rate, Burst: 4})
			}
			return policy.Catalog{Policies: map[string]policy.Policy{"charge": layers(rate, threshold), "refund": layers(0.002, 3)}}
		}
		app := fx.New(fx.NopLogger, provided(catalog(0.002, 3)), fx.Provide(container.Tag(newBank, "charge", container.Method("Refund", "refund"))), fx.Invoke(func(g gateway, o *container.Orchestrator) {
			b := bankOf(g)
			_ = g.Refund(t.Context(), "r")
			b.failures = 2
			_ = g.Refund(t.Context(), "r") // one failure of refund's three, and two of its four tokens
			reload(t, o, catalog(0.003, 2))
			*b = bank{failures: 1000}
			for range 10 {
				_, _ = g.Charge(t.Context(), 1)
				_ = g.Refund(t.Context(), "r")
			}
			if b.refunds != 2 || b.charges != 2 {
				t.Errorf("%d refunds and %d charges; want the 2 tokens of one, and the 2 failures of the other", b.refunds, b.charges)
			}
			_, err := g.Charge(t.Context(), 1)
			wantIs(t, err, policy.ErrCircuitOpen)
			wantIs(t, g.Refund(t.Context(), "r"), policy.ErrCircuitOpen)
		}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}

// A limiter that two policies shared stays with the one that goes on using it,
// also when its settings change at the same time.
func TestReloadLeavesASharedThingToWhoStillUsesIt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c := policy.Catalog{Policies: map[string]policy.Policy{
			"charge": policy.RateLimit{RequestsPerSecond: 0.001, Burst: 9},
			"refund": policy.RateLimit{RequestsPerSecond: 0.001, Burst: 9},
		}}
		app := fx.New(fx.NopLogger, provided(c), fx.Provide(container.Tag(newBank, "charge", container.Method("Refund", "refund"))), fx.Invoke(func(g gateway, o *container.Orchestrator) {
			b := bankOf(g)
			for range 3 {
				_, _ = g.Charge(t.Context(), 1)
				_ = g.Refund(t.Context(), "r")
			}
			reload(t, o, policy.Catalog{
				Policies: map[string]policy.Policy{
					"charge": policy.None{},
					"refund": policy.RateLimit{RequestsPerSecond: 0.002, Burst: 9},
				},
			})
			for range 20 {
				_ = g.Refund(t.Context(), "r")
			}
			if b.refunds != 3+3 {
				t.Errorf("%d refunds passed, want 3 and then the 3 tokens that were left of 9", b.refunds)
			}
		}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}

// A profile without what the code names made every call of those operations fail,
// though the reload had succeeded.
func TestAnOperationKeepsWhatAReloadNoLongerNames(t *testing.T) {
	var log bytes.Buffer
	o := newOrchestrator(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"b": {}}},
		container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	operations := []string{"op1", "op2", "op3"}
	for _, operation := range operations {
		pipelineFor(t, o, operation, policy.CircuitBreaker{Name: "b"})
	}
	reload(t, o, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"c": {}}})
	if got := strings.Count(log.String(), "level=WARN"); got != len(operations) {
		t.Errorf("%d warnings, want one for each operation:\n%s", got, &log)
	}
	for _, operation := range operations {
		if err := pipelineFor(t, o, operation, policy.CircuitBreaker{Name: "b"}).Run(t.Context(), works); err != nil {
			t.Error(err)
		}
	}
	if _, err := o.For("another", policy.CircuitBreaker{Name: "b"}); err == nil {
		t.Error("a breaker that is gone was found")
	}
}

// Whoever holds the runner of an operation gets what a reload changes, as those do
// who hold a wrapped service.
func TestReloadTakesEffectForOperationsOfTheCode(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"b": {FailureThreshold: 1}}})
	held := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"})
	reload(t, o, policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"b": {FailureThreshold: 2}}})
	b, _ := o.CircuitBreaker("b")
	_ = held.Run(t.Context(), always(errDown))
	wantState(t, b, policy.StateClosed)
	_ = held.Run(t.Context(), always(errDown))
	wantState(t, b, policy.StateOpen)
	if pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}) != held {
		t.Error("the operation got another pipeline")
	}
}

// The catalog's maps are its maker's.
func TestWhatBecomesOfTheCatalogAfterwardsDoesNotMatter(t *testing.T) {
	c := policy.Catalog{
		Policies: map[string]policy.Policy{"p": attempts(2), "q": attempts(3)},
		Services: map[string]policy.Service{"container_test.gateway": {Methods: map[string]string{"Charge": "q"}}},
	}
	o := newOrchestrator(t, c)
	delete(c.Policies, "p")
	c.Services["container_test.gateway"].Methods["Charge"] = "nonsense"
	if err := o.RegisterCircuitBreaker("b", policy.CircuitBreaker{}); err != nil {
		t.Fatal(err)
	}
	if err := o.Reload(policy.Catalog{Policies: map[string]policy.Policy{"p": attempts(2)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Pipeline("p"); err != nil {
		t.Error(err)
	}
}

func TestACallUnderWayFinishesUnderThePolicyItBeganWith(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, one("p", policy.Combine(attempts(3), policy.Timeout(time.Minute))))
		p, _ := o.Pipeline("p")
		calls := 0
		err := p.Run(t.Context(), func(ctx context.Context) error {
			if calls++; calls == 1 {
				reload(t, o, one("p", policy.Timeout(time.Second)))
			}
			if d, ok := ctx.Deadline(); !ok || time.Until(d) != time.Minute {
				t.Errorf("attempt %d: the deadline is in %v", calls, time.Until(d))
			}
			return errDown
		})
		wantIs(t, err, policy.ErrRetriesExhausted)
		if calls != 3 {
			t.Errorf("%d attempts, want the 3 that it began with", calls)
		}
	})
}

// No call sees a mixture, and none fails for a reload.
func TestReloadsUnderLoad(t *testing.T) {
	catalogs := []policy.Catalog{
		one("p", policy.Combine(attempts(2), policy.CircuitBreaker{}, policy.Timeout(2*time.Hour))),
		one("p", policy.Combine(attempts(5), policy.Timeout(5*time.Hour))),
	}
	o := newOrchestrator(t, catalogs[0])
	p, _ := o.Pipeline("p")
	var stop atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for !stop.Load() {
				calls, hours := 0, 0
				err := p.Run(t.Context(), func(ctx context.Context) error {
					calls++
					d, _ := ctx.Deadline()
					hours = int(time.Until(d).Round(time.Hour) / time.Hour)
					return policy.Permanent(nil)
				})
				if err != nil || calls != 1 || hours != 2 && hours != 5 {
					t.Errorf("%v after %d attempts with %d hours", err, calls, hours)
				}
				calls = 0
				err = p.Run(t.Context(), func(ctx context.Context) error {
					calls++
					d, _ := ctx.Deadline()
					hours = int(time.Until(d).Round(time.Hour) / time.Hour)
					return errBusyNow
				})
				if !errors.Is(err, errBusyNow) || calls != hours {
					t.Errorf("%v: %d attempts under the policy of %d hours", err, calls, hours)
				}
			}
		})
	}
	for n := range scale(1000) {
		reload(t, o, catalogs[n%2])
	}
	stop.Store(true)
	wg.Wait()
}

// errBusyNow is retried, and says nothing to a breaker.
var errBusyNow error = &policy.RateLimitedError{Name: "theirs"}
