package cladgrpc

import (
	"context"

	"github.com/cladgo/clad/container"
	"google.golang.org/grpc"
)

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterProxy(func(next grpc.ClientConnInterface, m container.Methods) grpc.ClientConnInterface {
		return &conn{
			next:   next,
			unary:  &client{m.Method("Invoke"), newOptions(nil)},
			stream: &client{m.Method("NewStream"), newOptions(nil)},
		}
	})
}

// conn is a guarded connection.
type conn struct {
	next          grpc.ClientConnInterface
	unary, stream *client
}

// Unwrap returns the connection that is guarded.
func (c *conn) Unwrap() grpc.ClientConnInterface { return c.next }

// Invoke implements [grpc.ClientConnInterface].
func (c *conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.unary.invoke(ctx, method, opts, func(ctx context.Context, opts []grpc.CallOption) error {
		return c.next.Invoke(ctx, method, args, reply, opts...)
	})
}

// NewStream implements [grpc.ClientConnInterface].
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.stream.open(ctx, desc, func(ctx context.Context) (grpc.ClientStream, error) {
		return c.next.NewStream(ctx, desc, method, opts...)
	})
}
