package proxies_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wrap returns v as it comes out under a policy, and the metrics.
func wrap[T any](t *testing.T, v T, p policy.Policy) (T, func() policy.Totals) {
	t.Helper()
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": p}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(container.Tag(func() T { return v }, "p")); err != nil {
		t.Fatal(err)
	}
	var wrapped T
	var o *container.Orchestrator
	if err := c.Invoke(func(v T, orchestrator *container.Orchestrator) { wrapped, o = v, orchestrator }); err != nil {
		t.Fatal(err)
	}
	return wrapped, func() policy.Totals { return o.Metrics().Totals }
}

func retry(attempts int) policy.Policy {
	return policy.Retry{MaxAttempts: attempts, Backoff: policy.Fixed(0)}
}
