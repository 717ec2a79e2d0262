package cladgrpc

import (
	"context"
	"sync/atomic"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// UnaryClient returns an interceptor that makes unary calls under the policy of
// r, for grpc.WithChainUnaryInterceptor. r must not be nil.
func UnaryClient(r policy.Runner, opts ...Option) grpc.UnaryClientInterceptor {
	c := newClient("UnaryClient", r, opts)
	return func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return c.invoke(ctx, unary{client: c, method: method, opts: opts, sender: sender{invoke: invoke, cc: cc, args: req, reply: reply}})
	}
}

// StreamClient returns an interceptor that opens streams under the policy of r,
// for grpc.WithChainStreamInterceptor. r must not be nil; it is a runner of an
// orchestrator, or one of another making that does not end the context of an
// attempt when it succeeded: the stream is still in use.
func StreamClient(r policy.Runner, opts ...Option) grpc.StreamClientInterceptor {
	c := newClient("StreamClient", r, opts)
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		return c.open(ctx, desc, opts, func(ctx context.Context, opts []grpc.CallOption) (grpc.ClientStream, error) {
			return open(ctx, desc, cc, method, opts...)
		})
	}
}

type client struct {
	runner policy.Runner
	options
	link *link
}

func newClient(what string, r policy.Runner, opts []Option) client {
	refuseNil(what, r)
	return client{r, newOptions(opts), new(link)}
}

// direct reports whether there is nothing to do.
func (c client) direct() bool {
	p, ours := c.runner.(*container.Pipeline)
	return ours && p.Direct()
}

// invoke makes a unary call.
func (c client) invoke(ctx context.Context, u unary) error {
	p, ours := c.runner.(*container.Pipeline)
	switch {
	case !ours:
		return c.invokeElsewhere(ctx, u)
	case p.Direct():
		return u.send(c.tell(ctx, retries{}), u.method, u.opts)
	}
	return withStatus(c.invokeIn(ctx, p, u))
}

func (c client) invokeElsewhere(ctx context.Context, u unary) error {
	return runElsewhere(ctx, c.runner, u.attempt)
}

// invokeIn is a loop of its own and no function of run's: that would be another
// allocation for each call.
func (c client) invokeIn(ctx context.Context, p *container.Pipeline, u unary) (err error) {
	call := p.BeginAlone(ctx)
	defer call.End()
	for call.Next(&err) {
		var m meaning
		if m, err = u.attempt(call.Context(), retriesOf(&call)); err != nil {
			m.tell(&call)
		}
	}
	return err
}

// unary is a unary call.
type unary struct {
	client
	sender
	method string
	opts   []grpc.CallOption
	key    idempotencyKey
}

// sender sends a unary call, by an interceptor's invoker or else by a connection. It
// is no function: that would be an allocation for each call.
type sender struct {
	invoke      grpc.UnaryInvoker
	cc          *grpc.ClientConn // the invoker's
	next        grpc.ClientConnInterface
	args, reply any
}

func (s *sender) send(ctx context.Context, method string, opts []grpc.CallOption) error {
	if s.invoke != nil {
		return s.invoke(ctx, method, s.args, s.reply, s.cc, opts...)
	}
	return s.next.Invoke(ctx, method, s.args, s.reply, opts...)
}

// attempt makes the call once.
func (u *unary) attempt(ctx context.Context, more retries) (m meaning, err error) {
	d := delivery{link: u.link, throttle: u.throttle, began: clock.Now()}
	repeat := more.key != "" || u.repeat(u.method)
	more.any = more.any && repeat
	if err = u.send(u.key.in(u.tell(ctx, more), more.key), u.method, d.observe(u.opts)); err != nil {
		m, err = d.judge(ctx, err)
		m.final = m.final || !d.unsent() && !repeat
		return m, err
	}
	d.succeeded()
	return m, nil
}

// delivery finds out what became of an attempt.
type delivery struct {
	link     *link
	throttle *throttle
	began    clock.Nanos
	to       peer.Peer   // whose address gRPC fills in if there was a stream
	trailer  metadata.MD // of the server, if it had the last word
	finished atomic.Bool
	options  [5]grpc.CallOption // room for the caller's, of which there are few, and ours
}

func (d *delivery) observe(opts []grpc.CallOption) []grpc.CallOption {
	return append(append(d.options[:0], opts...), grpc.Peer(&d.to), grpc.Trailer(&d.trailer), grpc.OnFinish(func(error) { d.finished.Store(true) }))
}

// unsent reports whether a call was certainly not sent: gRPC is through with it
// and never had a stream for it. Other implementations of a connection ignore
// what they are asked; of them nothing is known.
func (d *delivery) unsent() bool { return d.finished.Load() && d.to.Addr == nil }

// judge says what the error of an attempt in ctx means, and returns it as the
// policy is to see it.
func (d *delivery) judge(ctx context.Context, err error) (meaning, error) {
	said := Status(err)
	// A response of trailers alone begins with the type of its content.
	known := evidence{unsent: d.unsent(), answered: len(d.trailer["content-type"]) > 0}
	m := known.meaningOf(ctx, err)
	m.known = d.loses(said.Code(), known)
	after, never := comeBack(said, d.trailer)
	throttled := !known.unsent && d.throttle.failed(m)
	m.final = m.final || never || throttled
	if after > 0 {
		err = &later{err, after}
	}
	return m, err
}

func (d *delivery) succeeded() {
	d.link.used()
	d.throttle.succeeded()
}

// loses tells the link what became of the attempt, and reports whether it failed
// by an event that is known already.
func (d *delivery) loses(code codes.Code, known evidence) bool {
	switch {
	case !d.finished.Load():
		return false // it is not gRPC's, which says nothing of connections
	case code == codes.Unavailable && known.unsent:
		return d.link.lacking()
	case code == codes.Unavailable && !known.answered:
		return d.link.broke(d.began)
	case !known.unsent:
		d.link.used()
	}
	return false
}

func refuseNil(what string, r policy.Runner) {
	if r == nil {
		panic("cladgrpc." + what + ": the runner is nil; take one from an orchestrator's Pipeline or For")
	}
}
