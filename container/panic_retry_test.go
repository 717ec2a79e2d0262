package container_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// RetryIf and back-offs are users' code, asked when the breaker inside has
// already heard how the attempt ended: it must not hear it twice.
func TestAPanicInRetryIfOrABackoffCountsOnce(t *testing.T) {
	for name, retry := range map[string]policy.Retry{
		"RetryIf panics":  {RetryIf: func(error) bool { panic("boom") }},
		"RetryIf exits":   {RetryIf: func(error) bool { runtime.Goexit(); return true }},
		"back-off panics": {Backoff: backoffFunc(func(int) time.Duration { panic("boom") })},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOrchestrator(t, policy.Catalog{})
			outer := registered(t, o, "outer", policy.CircuitBreaker{FailureThreshold: 2})
			inner := registered(t, o, "inner", policy.CircuitBreaker{FailureThreshold: 2})
			p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "outer"}, retry, policy.CircuitBreaker{Name: "inner"}, policy.Timeout(time.Minute))
			run := func() {
				inGoroutine(func() {
					_ = recovered(func() { _ = p.Run(t.Context(), always(errDown)) })
				})
			}
			run()
			wantState(t, inner, policy.StateClosed)
			wantState(t, outer, policy.StateClosed)
			run()
			wantState(t, inner, policy.StateOpen)
			wantState(t, outer, policy.StateOpen)
			if got := o.Metrics().Totals; got.TotalOperations != 2 || got.FailedOperations != 2 {
				t.Errorf("metrics are %+v", got)
			}
		})
	}
}

// It may also be asked before anything has reached the dependency, about a
// rejection; what the layers outside hold has to be given back all the same.
func TestAPanicInRetryIfAfterARejectionGivesBackWhatWasHeld(t *testing.T) {
	virtual(t, func(t *testing.T) {
		o := newOrchestrator(t, policy.Catalog{})
		b := registered(t, o, "b", policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Second, SuccessThreshold: 1, ProbeTimeout: time.Hour})
		limit := policy.RateLimit{Name: "l", RequestsPerSecond: 1, Burst: 1}
		p := pipelineFor(t, o, "op", policy.CircuitBreaker{Name: "b"}, policy.Retry{RetryIf: func(error) bool { panic("boom") }}, limit)
		trip(t, pipelineFor(t, o, "another", policy.CircuitBreaker{Name: "b"}), b)
		time.Sleep(time.Second)
		_ = pipelineFor(t, o, "greedy", limit).Run(t.Context(), works)
		_ = recovered(func() { _ = p.Run(t.Context(), func(context.Context) error { t.Error("called"); return nil }) })
		if got := o.Metrics().Operations["op"]; got.TotalOperations != 1 || got.FailedOperations != 1 {
			t.Errorf("metrics are %+v", got)
		}
		time.Sleep(time.Minute)
		if err := p.Run(t.Context(), works); err != nil {
			t.Errorf("the probe's place is still taken: %v", err)
		}
		wantState(t, b, policy.StateClosed)
	})
}
