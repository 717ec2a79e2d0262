// Package shadow declares what generated code would like to use.
package shadow

import (
	ctx "context"
	fmt "io"
	container2 "time"
)

type (
	container    struct{}
	context      struct{}
	gatewayProxy struct{}
	p            int
)

func newGatewayProxy() (container, context, gatewayProxy, p) {
	return container{}, context{}, gatewayProxy{}, 0
}

var any = newGatewayProxy // as a variable it is no type any more

const call = "call"

type Gateway interface {
	Do(ctx ctx.Context, value interface{}, after container2.Duration) (call string, err error)
	NoContext(p int) error
	Read(r fmt.Reader) error
}

var _ = call
