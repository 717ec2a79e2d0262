package cladgrpc

import (
	"context"
	"slices"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"
)

// UnaryClient returns an interceptor that makes unary calls under the policy of
// r, for grpc.WithChainUnaryInterceptor. r must not be nil.
func UnaryClient(r policy.Runner, opts ...Option) grpc.UnaryClientInterceptor {
	c := newClient("UnaryClient", r, opts)
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return c.invoke(ctx, method, opts, func(ctx context.Context, opts []grpc.CallOption) error {
			return invoke(ctx, method, req, reply, cc, opts...)
		})
	}
}

// StreamClient returns an interceptor that opens streams under the policy of r,
// for grpc.WithChainStreamInterceptor. r must not be nil; it is a runner of an
// orchestrator, or one of another making that does not end the context of an
// attempt when it succeeded: the stream is still in use.
func StreamClient(r policy.Runner, opts ...Option) grpc.StreamClientInterceptor {
	c := newClient("StreamClient", r, opts)
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return c.open(ctx, desc, func(ctx context.Context) (grpc.ClientStream, error) {
			return open(ctx, desc, cc, method, opts...)
		})
	}
}

type client struct {
	runner policy.Runner
	options
}

func newClient(what string, r policy.Runner, opts []Option) *client {
	refuseNil(what, r)
	return &client{r, newOptions(opts)}
}

// invoke makes a unary call.
func (c *client) invoke(ctx context.Context, method string, opts []grpc.CallOption, call func(context.Context, []grpc.CallOption) error) error {
	if p, ok := c.runner.(*container.Pipeline); ok && p.Direct() {
		return call(ctx, opts)
	}
	var a attempts
	err := c.runner.Run(ctx, func(ctx context.Context) error {
		if err := a.over(); err != nil {
			return err
		}
		var sent delivery
		err := call(ctx, sent.observe(opts))
		if err == nil {
			return nil
		}
		return a.failed(ctx, err, func() bool { return sent.never() || c.repeat(method) })
	})
	return a.end(err)
}

// delivery finds out whether a call was sent.
type delivery struct {
	to       peer.Peer // whose address gRPC fills in if there was a stream
	finished bool
}

func (d *delivery) observe(opts []grpc.CallOption) []grpc.CallOption {
	return append(slices.Clip(opts), grpc.Peer(&d.to), grpc.OnFinish(func(error) { d.finished = true }))
}

// never reports whether the call was certainly not sent: gRPC is through with it
// and never had a stream for it. Other implementations of a connection ignore
// what they are asked; of them nothing is known.
func (d *delivery) never() bool { return d.finished && d.to.Addr == nil }

func refuseNil(what string, r policy.Runner) {
	if r == nil {
		panic("cladgrpc." + what + ": the runner is nil; take one from an orchestrator's Pipeline or For")
	}
}
