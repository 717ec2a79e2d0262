package container_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

var errDrill = errors.New("drill")

func TestChaosIsMetAsTheDependencysOwnFailure(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, attempts(3), policy.CircuitBreaker{FailureThreshold: 3}, policy.Chaos{Rate: 1, Error: errDrill, Latency: time.Second})
		calls := 0
		start := time.Now()
		err := p.Run(t.Context(), func(context.Context) error { calls++; return nil })
		for _, want := range []error{policy.ErrChaos, errDrill, policy.ErrRetriesExhausted} {
			if !errors.Is(err, want) {
				t.Errorf("%v is no %v", err, want)
			}
		}
		var chaos *policy.ChaosError
		if !errors.As(err, &chaos) || chaos.Operation != "op" {
			t.Errorf("got %#v", chaos)
		}
		m := o.Metrics()
		if calls != 0 || m.Chaos != 3 || m.RetryAttempts != 2 || m.CircuitBreakerTrips != 1 || time.Since(start) != 3*time.Second {
			t.Errorf("%d calls in %v, counted %+v", calls, time.Since(start), m.Totals)
		}
	})
}

func TestChaosThatIsSlowOnly(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Timeout(3*time.Second), policy.Chaos{Rate: 1, Latency: 2 * time.Second})
		if err := p.Run(t.Context(), works); err != nil {
			t.Error(err)
		}
		p, _ = under(t, policy.Timeout(time.Second), policy.Chaos{Rate: 1, Latency: 2 * time.Second})
		start := time.Now()
		if err := p.Run(t.Context(), works); !errors.Is(err, policy.ErrTimeout) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v, want the timeout of 1s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p, _ = under(t, policy.Chaos{Rate: 1, Latency: 2 * time.Second})
		if err := p.Run(ctx, works); !errors.Is(err, policy.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the caller's end", err)
		}
		if m := o.Metrics(); m.Chaos != 1 || m.SuccessfulOperations != 1 {
			t.Errorf("counted %+v", m.Totals)
		}
	})
}

// What a slow call of the dependency would do to a breaker, chaos does.
func TestSlowChaosTripsABreakerForSlowCalls(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.CircuitBreaker{SlowCall: time.Second, SlowRate: 0.5, MinRequests: 2}, policy.Chaos{Rate: 1, Latency: 2 * time.Second})
		for range 3 {
			_ = p.Run(t.Context(), works)
		}
		if o.Metrics().CircuitBreakerTrips != 1 {
			t.Errorf("counted %+v", o.Metrics().Totals)
		}
	})
}

func TestChaosStrikesItsShare(t *testing.T) {
	p, o := under(t, policy.Chaos{Rate: 0.25, Error: errDrill})
	for range 4000 {
		_ = p.Run(t.Context(), works)
	}
	if n := o.Metrics().Chaos; n < 800 || n > 1200 || o.Metrics().FailedOperations != n {
		t.Errorf("%d of 4000 were struck, want about 1000: %+v", n, o.Metrics().Totals)
	}
}

// Chaos ends by itself, and a reload that leaves it as it is does not begin it anew;
// one that takes it out and puts it in again does.
func TestChaosEndsByItself(t *testing.T) {
	virtual(t, func(t *testing.T) {
		drill := func(p policy.Policy) policy.Catalog {
			return policy.Catalog{Policies: map[string]policy.Policy{"drill": p, "other": attempts(2)}}
		}
		chaos := policy.Chaos{Rate: 1, Error: policy.ErrorName("drill"), For: 10 * time.Minute}
		var log strings.Builder
		o := newOrchestrator(t, drill(chaos), container.WithLogger(slog.New(slog.NewTextHandler(&log, nil))),
			container.WithErrors(map[string]error{"drill": errDrill}))
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "chaos is injected into an operation") {
			t.Errorf("it is not warned of:\n%s", log.String())
		}
		run := func() error {
			r, err := o.Pipeline("drill")
			if err != nil {
				t.Fatal(err)
			}
			return r.Run(t.Context(), works)
		}
		reload := func(p policy.Policy) {
			if err := o.Reload(drill(p)); err != nil {
				t.Fatal(err)
			}
		}
		if err := run(); !errors.Is(err, errDrill) {
			t.Errorf("got %v, want the error of that name", err)
		}
		time.Sleep(6 * time.Minute)
		reload(chaos)
		if err := run(); !errors.Is(err, policy.ErrChaos) {
			t.Errorf("6 minutes are no 10: got %v", err)
		}
		time.Sleep(4 * time.Minute)
		if err := run(); err != nil {
			t.Errorf("it is over: got %v", err)
		}
		reload(policy.None{})
		reload(chaos)
		if err := run(); !errors.Is(err, policy.ErrChaos) {
			t.Errorf("it is put in force anew: got %v", err)
		}
	})
}

// Whatever stands around chaos, in any order, nothing is lost: each call is counted
// once, and when the chaos is over everything works.
func TestChaosInEveryOrder(t *testing.T) {
	layers := []policy.Policy{
		attempts(2), policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Second, SuccessThreshold: 1},
		policy.RateLimit{RequestsPerSecond: 100, Burst: 100}, policy.Bulkhead{MaxConcurrent: 1}, policy.Timeout(500 * time.Millisecond),
		policy.Errors{Answers: []error{errDown}}, policy.Stale(time.Second),
	}
	for _, chaos := range []policy.Chaos{
		{Rate: 0.5, Error: errDrill, For: time.Minute},
		{Rate: 0.5, Latency: time.Second, For: time.Minute},
		{Rate: 0.5, Latency: 100 * time.Millisecond, Error: errDrill, For: time.Minute},
	} {
		for i := range layers {
			for j := range layers {
				if i == j {
					continue
				}
				for _, order := range [][]policy.Policy{{layers[i], layers[j], chaos}, {layers[i], chaos, layers[j]}, {chaos, layers[i], layers[j]}} {
					virtual(t, func(t *testing.T) {
						p, o := under(t, order...)
						for range 40 {
							_ = p.Run(t.Context(), works)
						}
						time.Sleep(2 * time.Minute)
						if err := p.Run(t.Context(), works); err != nil {
							t.Errorf("%v: it is over, and got %v", policy.Combine(order...), err)
						}
						if m := o.Metrics(); m.TotalOperations != 41 || m.SuccessfulOperations+m.FailedOperations != 41 {
							t.Errorf("%v: counted %+v", policy.Combine(order...), m.Totals)
						}
					})
				}
			}
		}
	}
}
