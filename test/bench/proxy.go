package bench

import (
	"context"

	"github.com/cladgo/clad/container"
)

// gatewayProxy has the form that `clad gen` gives to proxies.
type gatewayProxy struct {
	next   Gateway
	charge *container.Pipeline
}

func (p *gatewayProxy) Charge(ctx context.Context, amount int) (receipt int, err error) {
	call := p.charge.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		receipt, err = p.next.Charge(call.Context(), amount)
	}
	return receipt, err
}

func newGatewayProxy(next Gateway, m container.Methods) Gateway {
	return &gatewayProxy{next: next, charge: m.Method("Charge")}
}
