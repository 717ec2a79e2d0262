package container_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// budgeted is a retry with a budget, that does not wait.
func budgeted(attempts int, share float64) policy.Retry {
	return policy.Retry{MaxAttempts: attempts, Backoff: policy.Fixed(0), Budget: share}
}

// Retries multiply what a dependency that is down already has to bear.
func TestRetriesKeepToTheirBudget(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var rejected []container.Rejected
		o := newOrchestrator(t, policy.Catalog{}, container.OnEvent(func(_ context.Context, e container.Event) {
			if e, ok := e.(container.Rejected); ok {
				rejected = append(rejected, e)
			}
		}))
		p := pipelineFor(t, o, "charge", budgeted(3, 0.1))
		down := fails(1000)
		var exhausted *policy.RetriesExhaustedError
		for range 200 {
			err := p.Run(t.Context(), down.call)
			wantIs(t, err, policy.ErrRetriesExhausted, errDown)
			if !errors.As(err, &exhausted) {
				t.Fatal("no RetriesExhaustedError")
			}
		}
		if down.calls != 220 {
			t.Errorf("200 operations made %d requests, want a tenth more", down.calls)
		}
		if exhausted.Budget != 0.1 || exhausted.Attempts > 2 || !strings.Contains(exhausted.Error(), "the retry budget (10% of the operations) is used up") {
			t.Errorf("the error does not say why: %v", exhausted)
		}
		m := o.Metrics().Operations["charge"]
		if m.RetryAttempts != 20 || m.RetryBudgetHits == 0 || int(m.RetryBudgetHits) != len(rejected) {
			t.Errorf("metrics are %+v after %d events", m, len(rejected))
		}
		if first := rejected[0]; first.Reason != container.RetryBudget || first.Name != "charge" || first.Operation != "charge" {
			t.Errorf("the event is %+v", first)
		}

		time.Sleep(11 * time.Second) // all of that is forgotten
		alone := fails(9)
		_ = p.Run(t.Context(), alone.call)
		if alone.calls != 2 {
			t.Errorf("a dependency that is seldom asked was asked %d times, want one retry", alone.calls)
		}
	})
}

// What a layer of ours refuses is no request to the dependency, so trying again is
// no retry of one.
func TestRefusedAttemptsSpendNoBudget(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, o := under(t, policy.Retry{MaxAttempts: 4, Backoff: policy.Fixed(time.Second), Budget: 0.01},
			policy.RateLimit{RequestsPerSecond: 0.5, Burst: 1})
		if err := p.Run(t.Context(), works); err != nil {
			t.Fatal(err)
		}
		for range 3 { // each is refused first
			if err := p.Run(t.Context(), works); err != nil {
				t.Error(err)
			}
		}
		if m := o.Metrics(); m.RetryBudgetHits != 0 || m.RateLimitHits == 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// The methods of a service are one dependency, whatever policies they have, and a
// reload does not give it a new budget.
func TestTheMethodsOfAServiceShareABudget(t *testing.T) {
	virtual(t, func(t *testing.T) {
		catalog := policy.Catalog{Policies: map[string]policy.Policy{
			"p": budgeted(2, 0.1),
			"q": policy.Combine(policy.CircuitBreaker{FailureThreshold: 1000}, budgeted(3, 0.1)),
		}}
		c, err := container.New(catalog)
		if err != nil {
			t.Fatal(err)
		}
		down := fails(1000)
		provide(t, c, container.Tag(func() gateway { return scriptedGateway{down} }, "p", container.Method("Refund", "q")))
		if err := c.Invoke(func(g gateway) {
			for n := range 100 {
				if n == 50 {
					catalog.Policies["p"] = budgeted(4, 0.1)
					if err := c.Orchestrator().Reload(catalog); err != nil {
						t.Fatal(err)
					}
				}
				if n%2 == 0 {
					_, _ = g.Charge(t.Context(), 1)
				} else {
					_ = g.Refund(t.Context(), "")
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		if down.calls != 110 {
			t.Errorf("100 operations made %d requests, want a tenth more", down.calls)
		}
	})
}
