package cladgrpc

import (
	"context"
	"strconv"

	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// retriesLeft is the metadata of a call whose caller retries: how many more attempts
// there may be, a whole number, 0 or more.
const retriesLeft = "clad-retries-left"

// criticality is the metadata of a call that may be shed. Everything else is
// essential.
const criticality = "clad-criticality"

// UnaryFromCaller returns an interceptor that has a handler's work heed what the
// caller of a call says of itself, as clients of this package do: with the metadata
//
//	clad-retries-left: 2
//	clad-criticality: sheddable
//
// that it repeats the call where that fails, twice more at most. While it is served,
// a policy.Retry in its context makes one attempt: five services in a row that each
// make three would ask the last 243 times. The one that retries is the outermost,
// which alone knows whether somebody still waits; see policy.WithCallerRetries for a
// step that is to be repeated here all the same. Deadlines travel with gRPC itself.
// And that it can do without, if others could not be served else: what it calls is
// sheddable as well (policy.WithCriticality), and so is the call itself to the policy
// of a [UnaryServer] within. Nobody can make a call worth more.
//
// An outsider can do no more by it than one who does not try again, and what is
// malformed is ignored.
func UnaryFromCaller() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		return handler(fromCaller(ctx), req)
	}
}

// StreamFromCaller is [UnaryFromCaller] for streams.
func StreamFromCaller() grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if ctx := fromCaller(stream.Context()); ctx != stream.Context() {
			stream = &boundStream{ServerStream: stream, ctx: ctx}
		}
		return handler(srv, stream)
	}
}

func fromCaller(ctx context.Context) context.Context {
	if said := metadata.ValueFromIncomingContext(ctx, criticality); len(said) == 1 && said[0] == policy.Sheddable.String() {
		ctx = policy.WithCriticality(ctx, policy.Sheddable)
	}
	said := metadata.ValueFromIncomingContext(ctx, retriesLeft)
	if len(said) != 1 || len(said[0]) > 9 {
		return ctx
	}
	left, err := strconv.ParseUint(said[0], 10, 32)
	if err != nil {
		return ctx
	}
	return policy.WithCallerRetries(ctx, int(left))
}

// tell returns the context in which a call is sent: where it is retried, here or by
// somebody further out, or may be shed, the server hears of that.
func (c client) tell(ctx context.Context, here retries) context.Context {
	if c.silent {
		return ctx
	}
	left, retries := policy.CallerRetries(ctx)
	if !retries {
		left, retries = here.left, here.any
	}
	sheddable := policy.CriticalityOf(ctx) == policy.Sheddable
	if !retries && !sheddable {
		return ctx
	}
	sent, own := metadata.FromOutgoingContext(ctx) // a copy
	if !own && !sheddable && left >= 0 && left < len(leftAlone) {
		return &telling{ctx, leftAlone[left]}
	}
	if sent == nil {
		sent = metadata.MD{}
	}
	if retries {
		sent.Set(retriesLeft, strconv.Itoa(left))
	}
	if sheddable {
		sent.Set(criticality, policy.Sheddable.String())
	}
	return metadata.NewOutgoingContext(ctx, sent)
}

// leftAlone are contexts of metadata that say of few retries how many are left, and
// nothing else. They are made once: most calls bear no metadata of their own, and a
// map for each would be four allocations. Nobody writes to them: gRPC gives away
// copies.
var leftAlone = func() (made [8]context.Context) {
	for left := range made {
		made[left] = metadata.NewOutgoingContext(context.Background(), metadata.Pairs(retriesLeft, strconv.Itoa(left)))
	}
	return made
}()

// telling is a context without metadata of its own, with that of another.
type telling struct {
	context.Context
	sent context.Context //nolint:containedctx // it is one
}

func (t *telling) Value(key any) any {
	if v := t.sent.Value(key); v != nil {
		return v
	}
	return t.Context.Value(key)
}
