package cladgrpc

import (
	"context"

	"github.com/cladgo/clad/container"
	"google.golang.org/grpc"
)

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterProxy(func(next grpc.ClientConnInterface, m container.Methods) grpc.ClientConnInterface {
		return &conn{
			next:    next,
			methods: m,
			unary:   client{m.Method("Invoke"), newOptions(nil)},
			stream:  client{m.Method("NewStream"), newOptions(nil)},
		}
	})
	container.RegisterNames[grpc.ClientConnInterface](checkName)
}

// conn is a guarded connection.
type conn struct {
	next          grpc.ClientConnInterface
	methods       container.Methods
	unary, stream client
}

// guard returns what guards the calls of a method: what is chosen for it by its
// name, which is carried out to the letter, or else what guards all of its kind.
func (c *conn) guard(method string, kind client) client {
	if chosen := c.methods.Chosen(method); chosen != nil {
		return client{chosen, options{repeat: always}}
	}
	return kind
}

func always(string) bool { return true }

// Unwrap returns the connection that is guarded.
func (c *conn) Unwrap() grpc.ClientConnInterface { return c.next }

// Invoke implements [grpc.ClientConnInterface].
func (c *conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.guard(method, c.unary).invoke(ctx, method, opts, func(ctx context.Context, opts []grpc.CallOption) error {
		return c.next.Invoke(ctx, method, args, reply, opts...)
	})
}

// NewStream implements [grpc.ClientConnInterface].
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.guard(method, c.stream).open(ctx, desc, opts, func(ctx context.Context, opts []grpc.CallOption) (grpc.ClientStream, error) {
		return c.next.NewStream(ctx, desc, method, opts...)
	})
}
