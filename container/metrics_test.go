package container_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

func newOrchestratorErr(c policy.Catalog) (*container.Orchestrator, error) {
	return container.NewOrchestrator(c)
}

// Cancelled calls were once counted nowhere.
func TestEveryEndingIsCounted(t *testing.T) {
	virtual(t, func(t *testing.T) {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		for _, tt := range []struct {
			name   string
			layers []policy.Policy
			ctx    context.Context
			callee func(context.Context) error
			want   policy.Totals
		}{
			{"success", []policy.Policy{policy.Retry{}}, t.Context(), works, policy.Totals{SuccessfulOperations: 1}},
			{"failure", []policy.Policy{policy.CircuitBreaker{}}, t.Context(), always(errDown), policy.Totals{FailedOperations: 1}},
			{"refusal", []policy.Policy{policy.Retry{}}, t.Context(), always(policy.Permanent(errNo)), policy.Totals{FailedOperations: 1}},
			{"cancelled before", []policy.Policy{policy.Retry{}}, cancelled, works, policy.Totals{FailedOperations: 1, Cancelled: 1}},
			{"timeout", []policy.Policy{policy.Timeout(time.Second)}, t.Context(), waits(time.Hour), policy.Totals{FailedOperations: 1, TimeoutCount: 1}},
			{"trip", []policy.Policy{policy.CircuitBreaker{FailureThreshold: 1}}, t.Context(), always(errDown), policy.Totals{FailedOperations: 1, CircuitBreakerTrips: 1}},
			{"retries", []policy.Policy{policy.Retry{MaxAttempts: 4, Backoff: policy.Fixed(0)}}, t.Context(), always(errDown), policy.Totals{FailedOperations: 1, RetryAttempts: 3}},
			{"nothing configured", nil, t.Context(), works, policy.Totals{SuccessfulOperations: 1}},
			{"nothing configured, failure", nil, t.Context(), always(errDown), policy.Totals{FailedOperations: 1}},
		} {
			p, o := under(t, tt.layers...)
			_ = p.Run(tt.ctx, tt.callee)
			tt.want.TotalOperations = 1
			m := o.Metrics()
			if m.Totals != tt.want || m.Operations["op"] != tt.want || len(m.Operations) != 1 {
				t.Errorf("%s: got %+v, want %+v", tt.name, m, tt.want)
			}
		}
	})
}

func TestMetricsAreByOperationAndOverall(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{Policies: map[string]policy.Policy{"database": policy.Retry{MaxAttempts: 1}}})
	_ = pipelineFor(t, o, "a", policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}).Run(t.Context(), always(errDown))
	_ = pipelineFor(t, o, "a").Run(t.Context(), works) // another policy, the same operation
	database, _ := o.Pipeline("database")
	_ = database.Run(t.Context(), works)
	pipelineFor(t, o, "idle", policy.Retry{})
	m := o.Metrics()
	want := map[string]policy.Totals{
		"a":        {TotalOperations: 2, SuccessfulOperations: 1, FailedOperations: 1, RetryAttempts: 1},
		"database": {TotalOperations: 1, SuccessfulOperations: 1},
	}
	if len(m.Operations) != len(want) {
		t.Errorf("operations: %+v", m.Operations)
	}
	for id, totals := range want {
		if m.Operations[id] != totals {
			t.Errorf("%s: got %+v, want %+v", id, m.Operations[id], totals)
		}
	}
	if want := (policy.Totals{TotalOperations: 3, SuccessfulOperations: 2, FailedOperations: 1, RetryAttempts: 1}); m.Totals != want {
		t.Errorf("overall: got %+v, want %+v", m.Totals, want)
	}
}

func TestASnapshotDoesNotChange(t *testing.T) {
	p, o := under(t, policy.Retry{})
	_ = p.Run(t.Context(), works)
	before := o.Metrics()
	_ = p.Run(t.Context(), works)
	if before.TotalOperations != 1 || before.Operations["op"].TotalOperations != 1 {
		t.Errorf("it changed to %+v", before)
	}
	before.Operations["op"] = policy.Totals{}
	if got := o.Metrics().Operations["op"].TotalOperations; got != 2 {
		t.Errorf("writing into a snapshot changed the count to %d", got)
	}
}

// Under concurrency, with panics and Goexit in between, everything adds up.
func TestMetricsAddUpUnderConcurrency(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: time.Nanosecond * 1000, SuccessThreshold: 1})
	const workers, each = 8, 400
	var calls, succeeded, failed, rejected, limited, abandoned atomic.Uint64
	var wg sync.WaitGroup
	for w := range workers {
		p := pipelineFor(t, o, fmt.Sprint("op", w%3),
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0), RetryIf: func(err error) bool {
				return !errors.Is(err, policy.ErrCircuitOpen) && !errors.Is(err, policy.ErrRateLimited)
			}},
			policy.RateLimit{RequestsPerSecond: 1e5, Burst: 50},
			policy.CircuitBreaker{Name: "b"},
			policy.Timeout(time.Minute))
		random := rand.New(rand.NewPCG(uint64(w), 9))
		once := func() {
			attempts := uint64(0)
			ended := false
			defer func() {
				_ = recover()
				if !ended {
					abandoned.Add(1)
				}
				calls.Add(attempts)
			}()
			err := p.Run(t.Context(), func(context.Context) error {
				attempts++
				switch random.IntN(12) {
				case 0:
					panic("boom")
				case 1:
					runtime.Goexit()
				case 2, 3, 4:
					return errDown
				case 5:
					return policy.Permanent(errNo)
				}
				return nil
			})
			ended = true
			switch {
			case err == nil:
				succeeded.Add(1)
			default:
				failed.Add(1)
			}
			if errors.Is(err, policy.ErrCircuitOpen) {
				rejected.Add(1)
			}
			if errors.Is(err, policy.ErrRateLimited) {
				limited.Add(1)
			}
		}
		wg.Go(func() {
			for range each {
				inGoroutine(once)
			}
		})
	}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		for range 200 {
			m := o.Metrics()
			if m.TotalOperations != m.SuccessfulOperations+m.FailedOperations || m.TotalOperations > workers*each {
				t.Errorf("while calls are under way: %+v", m.Totals)
			}
			runtime.Gosched()
		}
	}()
	wg.Wait()
	<-reading
	m := o.Metrics()
	for what, pair := range map[string][2]uint64{
		"total":      {m.TotalOperations, workers * each},
		"successful": {m.SuccessfulOperations, succeeded.Load()},
		"failed":     {m.FailedOperations, failed.Load() + abandoned.Load()},
		"rejections": {m.CircuitBreakerRejections, rejected.Load()},
		"limited":    {m.RateLimitHits, limited.Load()},
		"cancelled":  {m.Cancelled, 0},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %d, want %d", what, pair[0], pair[1])
		}
	}
	// Each attempt is the first of an operation, or a retry, or was stopped.
	if first := calls.Load() + m.CircuitBreakerRejections + m.RateLimitHits; first != m.TotalOperations+m.RetryAttempts {
		t.Errorf("%d attempts, of %d operations and %d retries", first, m.TotalOperations, m.RetryAttempts)
	}
	var sum policy.Totals
	for _, totals := range m.Operations {
		sum.TotalOperations += totals.TotalOperations
		sum.FailedOperations += totals.FailedOperations
		sum.RetryAttempts += totals.RetryAttempts
		sum.CircuitBreakerTrips += totals.CircuitBreakerTrips
	}
	if sum.TotalOperations != m.TotalOperations || sum.FailedOperations != m.FailedOperations || sum.RetryAttempts != m.RetryAttempts || sum.CircuitBreakerTrips != m.CircuitBreakerTrips {
		t.Errorf("the operations add up to %+v, overall %+v", sum, m.Totals)
	}
	if m.CircuitBreakerTrips == 0 || m.RetryAttempts == 0 || abandoned.Load() == 0 {
		t.Errorf("the test did not see what it is about: %+v, %d abandoned", m.Totals, abandoned.Load())
	}
}
