package container_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// One id per customer filled the memory.
func TestOperationsAreBounded(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{}, container.WithMaxOperations(100))
	hot := func() *container.Pipeline {
		return pipelineFor(t, o, "hot", policy.CircuitBreaker{FailureThreshold: 2})
	}
	first := hot()
	open := pipelineFor(t, o, "open", policy.CircuitBreaker{FailureThreshold: 1})
	_ = open.Run(t.Context(), always(errDown))
	const calls = 5000
	for n := range calls {
		if err := pipelineFor(t, o, fmt.Sprint("customer ", n), policy.CircuitBreaker{}).Run(t.Context(), works); err != nil {
			t.Fatal(err)
		}
		if hot() != first {
			t.Fatalf("after %d others, one that is used all the time was forgotten", n)
		}
	}
	m := o.Metrics()
	if len(m.Operations) > 100 {
		t.Errorf("%d operations are remembered, want 100 at most", len(m.Operations))
	}
	if m.TotalOperations != calls+1 || m.SuccessfulOperations != calls || m.CircuitBreakerTrips != 1 {
		t.Errorf("what was counted is lost: %+v", m.Totals)
	}
	if pipelineFor(t, o, "open", policy.CircuitBreaker{FailureThreshold: 1}) != open {
		t.Error("an open breaker was forgotten before others")
	}
}

// An id that is a service's too, or a policy's, goes on counting under it.
func TestForgettingAnOperationForgetsNoPolicyOfItsName(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Retry{}}}, container.WithMaxOperations(1))
	p, err := o.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Run(t.Context(), works)
	pipelineFor(t, o, "p", policy.Retry{})
	for n := range 3 {
		pipelineFor(t, o, fmt.Sprint(n), policy.Retry{})
	}
	_ = p.Run(t.Context(), works)
	if got := o.Metrics().Operations["p"].TotalOperations; got != 2 {
		t.Errorf("%d operations of p, want 2", got)
	}
}

// Each registration copied all that were there before: ten thousand took a minute.
func TestARegistrationCostsTheSameHoweverManyThereAre(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	registered := 0
	bytesEach := func(n int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range n {
			registered++
			if err := o.RegisterCircuitBreaker(fmt.Sprint("b", registered), policy.CircuitBreaker{}); err != nil {
				t.Fatal(err)
			}
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) / uint64(n)
	}
	few := bytesEach(1000)
	bytesEach(15000)
	if many := bytesEach(1000); many > 4*few {
		t.Errorf("one of the first 1,000 takes %d bytes, one of the next after 16,000 %d", few, many)
	}
}

// What came to nothing leaves nothing: neither a name nor a change.
func TestAMistakeAfterANameMakesNoBreaker(t *testing.T) {
	o := newOrchestrator(t, policy.Catalog{})
	_, err := o.For("op", policy.Combine(policy.CircuitBreaker{Name: "new", FailureThreshold: 7}, policy.RateLimit{Name: "missing"}))
	wantMessage(t, err, `no rate limiter "missing"`)
	if _, ok := o.CircuitBreaker("new"); ok {
		t.Error("the breaker is there")
	}
}
