package cladgrpc

import (
	"context"
	"io"

	"github.com/cladgo/clad/container"
	"google.golang.org/grpc"
)

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterProxyWith(guard, container.Offers[io.Closer]())
	container.RegisterHedgedNames[grpc.ClientConnInterface](checkName, reads)
}

// guard returns a connection that calls next under the pipelines of m. What next
// can do beyond calls, the result can.
func guard(next grpc.ClientConnInterface, m container.Methods) grpc.ClientConnInterface {
	shared := new(link)
	c := &conn{
		Proxied: container.Proxied{Value: next},
		next:    next,
		methods: m,
		unary:   client{m.Hedges("Invoke"), newOptions(nil), shared},
		stream:  client{m.Method("NewStream"), newOptions(nil), shared},
	}
	closer, ok := next.(io.Closer)
	if !ok {
		return c
	}
	closing := &closingConn{c, closer, m.Optional("Close")}
	if cc, ok := next.(*grpc.ClientConn); ok {
		return &clientConn{c.Proxied, cc, closing}
	}
	return closing
}

// conn is a guarded connection.
type conn struct {
	container.Proxied
	next          grpc.ClientConnInterface
	methods       container.Methods
	unary, stream client
}

// of returns what guards the calls of a method: what is chosen for it by its
// name, which is carried out to the letter, or else what guards all of its kind.
func (c *conn) of(method string, kind client) client {
	if chosen := c.methods.Chosen(method); chosen != nil {
		return client{chosen, options{repeat: always}, kind.link}
	}
	return kind
}

func always(string) bool { return true }

// Unwrap returns the connection that is guarded.
func (c *conn) Unwrap() grpc.ClientConnInterface { return c.next }

// Invoke implements [grpc.ClientConnInterface].
func (c *conn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	of := c.of(method, c.unary)
	if p, ok := of.runner.(*container.Pipeline); ok && p.Hedging() && hedgeable(method, args, reply, opts) {
		return of.invokeHedged(ctx, p, newRival(of, c.next, method, args, reply, opts))
	}
	return of.invoke(ctx, unary{client: of, method: method, opts: opts, sender: sender{next: c.next, args: args, reply: reply}})
}

// NewStream implements [grpc.ClientConnInterface].
func (c *conn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.of(method, c.stream).open(ctx, desc, opts, func(ctx context.Context, opts []grpc.CallOption) (grpc.ClientStream, error) {
		return c.next.NewStream(ctx, desc, method, opts...)
	})
}

// closingConn is one that can be closed.
type closingConn struct {
	*conn
	closer io.Closer
	close  *container.Pipeline
}

// Close closes the connection.
func (c *closingConn) Close() (err error) {
	call := c.close.Begin(context.Background())
	defer call.End()
	for call.Next(&err) {
		err = c.closer.Close()
	}
	return err
}

// clientConn is a *grpc.ClientConn with all that it has: the state of the
// connection, its target.
type clientConn struct {
	container.Proxied
	*grpc.ClientConn
	guarded *closingConn
}

// Unwrap returns the connection that is guarded.
func (c *clientConn) Unwrap() grpc.ClientConnInterface { return c.ClientConn }

func (c *clientConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	return c.guarded.Invoke(ctx, method, args, reply, opts...)
}

func (c *clientConn) NewStream(ctx context.Context, desc *grpc.StreamDesc, method string, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.guarded.NewStream(ctx, desc, method, opts...)
}

// Close closes the connection.
func (c *clientConn) Close() error { return c.guarded.Close() }
