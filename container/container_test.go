package container_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

type gateway interface {
	Charge(ctx context.Context, amount int) (string, error)
}

type gatewayProxy struct {
	next   gateway
	charge *container.Pipeline
}

func (p *gatewayProxy) Charge(ctx context.Context, amount int) (receipt string, err error) {
	call := p.charge.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		receipt, err = p.next.Charge(call.Context(), amount)
	}
	return receipt, err
}

func init() {
	container.RegisterProxy(func(next gateway, m container.Methods) gateway {
		return &gatewayProxy{next, m.Method("Charge")}
	})
}

type flaky struct{ failures, calls int }

func (f *flaky) Charge(context.Context, int) (string, error) {
	f.calls++
	if f.calls <= f.failures {
		return "", errors.New("flaky")
	}
	return "ok", nil
}

func newFlaky() gateway { return &flaky{failures: 2} }

func TestSmoke(t *testing.T) {
	cat := policy.Catalog{Policies: map[string]policy.Policy{
		"external_api": policy.Combine(policy.Retry{Backoff: policy.Fixed(0)}, policy.CircuitBreaker{}, policy.Timeout(1e9)),
	}}
	c, err := container.New(cat)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(container.Tag(newFlaky, "external_api")); err != nil {
		t.Fatal(err)
	}
	err = c.Invoke(func(g gateway, o policy.Orchestrator) {
		r, err := g.Charge(t.Context(), 1)
		t.Logf("%v %v %+v", r, err, o.Metrics())
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{container.Tag(newFlaky, "extrnal"), container.Tag(func() *flaky { return nil }, "external_api"), container.Tag(func() error { return nil }, "external_api"),
		container.Tag(newFlaky, "external_api", container.Method("Chrge", "x"))} {
		app := fx.New(fx.Provide(v, func() (*container.Orchestrator, error) { return container.NewOrchestrator(cat) }, container.NamedValues(cat)), fx.Invoke(func(gateway, fx.DotGraph) {}))
		t.Log(strings.ReplaceAll(app.Err().Error(), "\n", "\n\t"))
	}
	fx.New(fx.Provide(container.Tag(newFlaky, "external_api"), func() (*container.Orchestrator, error) { return container.NewOrchestrator(cat) }, container.NamedValues(cat)), fx.Invoke(func(g gateway, d fx.DotGraph) { t.Log(d) }))
}
