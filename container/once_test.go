package container_test

import (
	"context"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// A method that is marked once in code is repeated where the profile says so: who
// runs the service has the last word.
func TestAProfileBeatsOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		services map[string]policy.Service
		attempts int
	}{
		"nothing chosen":           {nil, 1},
		"a policy for the service": {map[string]policy.Service{"container_test.transfers": {Policy: "retried"}}, 1},
		"a policy for the method":  {map[string]policy.Service{"container_test.transfers": {Methods: map[string]string{"Pay": "retried"}}}, 3},
		"no policy for the method": {map[string]policy.Service{"container_test.transfers": {Methods: map[string]string{"Pay": "none"}}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := container.New(policy.Catalog{
				Policies: map[string]policy.Policy{"retried": policy.Retry{Backoff: policy.Fixed(0)}},
				Services: tt.services,
			})
			if err != nil {
				t.Fatal(err)
			}
			attempts := 0
			if err := c.Provide(container.Tag(func() transfers { return countingTransfers{&attempts} }, "retried")); err != nil {
				t.Fatal(err)
			}
			if err := c.Invoke(func(tr transfers) { _ = tr.Pay(t.Context()) }); err != nil {
				t.Fatal(err)
			}
			if attempts != tt.attempts {
				t.Errorf("it was attempted %d times, want %d", attempts, tt.attempts)
			}
		})
	}
}

type transfers interface {
	Pay(ctx context.Context) error
}

type countingTransfers struct{ attempts *int }

func (c countingTransfers) Pay(context.Context) error { *c.attempts++; return errDown }

type transfersProxy struct {
	next transfers
	pay  *container.Pipeline
}

func (p *transfersProxy) Pay(ctx context.Context) (err error) {
	call := p.pay.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Pay(call.Context())
	}
	return err
}

func init() {
	container.RegisterProxy(func(next transfers, m container.Methods) transfers {
		return &transfersProxy{next, m.Once("Pay")}
	})
}
