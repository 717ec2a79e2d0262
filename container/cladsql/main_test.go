package cladsql_test

import (
	"context"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newOrchestrator(t testing.TB) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func runner(t *testing.T, layers ...policy.Policy) policy.Runner {
	t.Helper()
	r, err := newOrchestrator(t).For("db", policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// atOnce is a retry that does not wait.
func atOnce(attempts int) policy.Retry {
	return policy.Retry{MaxAttempts: attempts, Backoff: policy.Fixed(0)}
}

type anyRunner func(context.Context, func(context.Context) error) error

func (r anyRunner) Run(ctx context.Context, fn func(context.Context) error) error { return r(ctx, fn) }
