package container_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// What comes before an attempt is the dependency's to every layer: it is retried, it
// trips the breaker, and the first of several decides.
func TestBeforeAttemptTakesTheDependencysPlace(t *testing.T) {
	var told []string
	n := 0
	o, err := container.NewOrchestrator(policy.Catalog{},
		container.BeforeAttempt(func(ctx context.Context, operation string) error {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the context is not that of the attempt")
			}
			n++
			told = append(told, fmt.Sprint(operation, n))
			if n <= 2 {
				return errors.New("busy")
			}
			return nil
		}),
		container.BeforeAttempt(func(context.Context, string) error {
			told = append(told, "second")
			return nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	p := policy.Combine(policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(1)}, policy.CircuitBreaker{FailureThreshold: 3}, policy.Timeout(1e15))
	_, err = policy.ExecuteWith(t.Context(), o, "charge", p, func(context.Context) (int, error) { calls++; return 0, nil })
	if got := fmt.Sprint(told); err != nil || calls != 1 || got != "[charge1 charge2 charge3 second]" {
		t.Errorf("%v, %d calls, told %v", err, calls, got)
	}
	if m := o.Metrics().Operations["charge"]; m.RetryAttempts != 2 || m.SuccessfulOperations != 1 {
		t.Errorf("%+v", m)
	}
}

func TestPolicyOf(t *testing.T) {
	type charge func(context.Context) error
	pay := policy.Combine(policy.Timeout(2e9), policy.Retry{MaxAttempts: 2})
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"pay": pay, "open": policy.None{}}})
	if err != nil {
		t.Fatal(err)
	}
	busy := errors.New("busy")
	if err := c.Provide(container.Tag(func() charge { return func(context.Context) error { return nil } }, "pay", container.Answers(busy))); err != nil {
		t.Fatal(err)
	}
	if err := c.Invoke(func(charge) {}); err != nil {
		t.Fatal(err)
	}
	o := c.Orchestrator()
	for _, p := range []policy.Policy{policy.Timeout(1e9), policy.Timeout(3e9)} {
		if _, err := o.For("loose", p); err != nil {
			t.Fatal(err)
		}
	}
	for operation, want := range map[string]policy.Policy{
		"container_test.charge": policy.Combine(pay, policy.Errors{Answers: []error{busy}}),
		"pay":                   pay,
		"open":                  policy.None{},
		"loose":                 policy.Timeout(3e9),
	} {
		if got, ok := o.PolicyOf(operation); !ok || !policy.Equal(got, want) {
			t.Errorf("%s: %v, want %v", operation, got, want)
		}
	}
	if got, ok := o.PolicyOf("unknown"); ok {
		t.Errorf("%v for what there is not", got)
	}
	if _, ok := o.Metrics().Operations["unknown"]; ok {
		t.Error("asking made an operation")
	}
}
