package cladgrpc

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/cladgo/clad/container"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// reads reports whether calls of a method may be on their way twice at once: it is
// unary, and declared to have no side effects. One that is merely idempotent may be
// repeated but not hedged: where it is overtaken it may still have its effect after
// another call that its caller makes next.
func reads(fullMethod string) bool {
	m, level := declared(fullMethod)
	return level == descriptorpb.MethodOptions_NO_SIDE_EFFECTS && !m.IsStreamingClient() && !m.IsStreamingServer()
}

// hedgeable reports whether each attempt of a call can have its own of all that is
// written to: messages that can be copied, and options that gRPC itself brings. What
// others have to do with theirs nobody knows.
func hedgeable(method string, args, reply any, opts []grpc.CallOption) bool {
	_, in := args.(proto.Message)
	_, out := reply.(proto.Message)
	return in && out && reads(method) && !slices.ContainsFunc(opts, func(opt grpc.CallOption) bool {
		return opt == nil || reflect.TypeOf(opt).PkgPath() != ofGRPC
	})
}

var ofGRPC = reflect.TypeFor[grpc.CallOption]().PkgPath()

// rival is a call that attempts are made of side by side, and each of those attempts.
type rival struct {
	unary
	args, reply proto.Message
	around      retries  // of the call that this is an attempt of
	final       bool     // there is to be no further attempt
	handOver    []func() // to the caller, what it asked for by options
}

func newRival(c client, next grpc.ClientConnInterface, method string, args, reply any, opts []grpc.CallOption) *rival {
	r := &rival{unary: unary{client: c, method: method, opts: opts, sender: sender{next: next, args: args, reply: reply}}, args: args.(proto.Message), reply: reply.(proto.Message)}
	return r
}

// invokeHedged makes a unary call whose attempts may be made side by side.
func (c client) invokeHedged(ctx context.Context, p *container.Pipeline, r *rival) error {
	call := p.Begin(ctx)
	defer call.End()
	return withStatus(r.runUnder(&call))
}

// runUnder makes the attempts of a call.
func (r *rival) runUnder(call *container.Call) (err error) {
	for call.Next(&err) {
		more := retriesOf(call)
		more.key = cmp.Or(more.key, r.around.key)
		if !more.any {
			more.left, more.any = r.around.left, r.around.any
		}
		if h := call.Hedge(); h != nil {
			if err = r.hedge(h, more); r.final {
				call.Stop()
			}
			continue
		}
		var m meaning
		if m, err = r.attempt(call.Context(), more); err != nil {
			m.tell(call)
		}
		r.final = m.final
	}
	return err
}

// hedge makes an attempt, and others beside it where it takes too long. One that is
// overtaken may still read and write when its caller has its answer: nothing of that
// is the caller's, nor another's.
func (r *rival) hedge(h *container.HedgedCall, more retries) error {
	if more.key != "" {
		r.key.value() // the same for all
	}
	args, reply := proto.Clone(r.args), r.reply.ProtoReflect().Type()
	like := rival{unary: r.unary, around: more}
	like.opts = slices.Clone(r.opts)
	first, release, err := container.HedgedOpening(h, func(call *container.Call) (*rival, error) {
		one := like
		one.args, one.reply = proto.Clone(args), reply.New().Interface() // interceptors may change what is sent
		one.sender.args, one.sender.reply = one.args, one.reply
		one.ownOptions()
		return &one, one.runUnder(call)
	})
	release()
	if r.final = first.final; err == nil {
		proto.Reset(r.reply)
		proto.Merge(r.reply, first.reply)
	}
	for _, handOver := range first.handOver {
		handOver()
	}
	return err
}

// Close has nothing to let go of.
func (r *rival) Close() error { return nil }

// ownOptions has gRPC write to the attempt's own what it would write to the caller's.
func (r *rival) ownOptions() {
	r.opts = slices.Clone(r.opts)
	for i, opt := range r.opts {
		switch opt := opt.(type) {
		case grpc.HeaderCallOption:
			own := new(metadata.MD)
			r.replace(i, grpc.Header(own), func() { *opt.HeaderAddr = *own })
		case grpc.TrailerCallOption:
			own := new(metadata.MD)
			r.replace(i, grpc.Trailer(own), func() { *opt.TrailerAddr = *own })
		case grpc.PeerCallOption:
			own := new(peer.Peer)
			r.replace(i, grpc.Peer(own), func() { *opt.PeerAddr = *own })
		case grpc.OnFinishCallOption:
			var end atomic.Pointer[error]
			r.replace(i, grpc.OnFinish(func(err error) { end.Store(&err) }), func() {
				if err := end.Load(); err != nil {
					opt.OnFinish(*err)
				}
			})
		}
	}
}

func (r *rival) replace(i int, with grpc.CallOption, handOver func()) {
	r.opts[i] = with
	r.handOver = append(r.handOver, handOver)
}
