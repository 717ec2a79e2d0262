package cladgrpc

import (
	"context"

	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
)

// UnaryServer returns an interceptor that serves unary calls under the policy of
// r, for grpc.ChainUnaryInterceptor. r must not be nil.
//
// What the policy turns away never reaches the handler. A timeout is a deadline
// on the handler's context; a handler that ignores it is waited for. A handler is
// never run twice, whatever the policy says of retries. Its failures count to a
// circuit breaker by their codes, as a client's do, and its errors keep their
// status; those of clad get one, see [Status].
func UnaryServer(r policy.Runner) grpc.UnaryServerInterceptor {
	refuseNil("UnaryServer", r)
	return func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		err = serve(ctx, r, func(ctx context.Context) (err error) {
			resp, err = handler(ctx, req)
			return err
		})
		return resp, err
	}
}

// StreamServer is [UnaryServer] for streams, for grpc.ChainStreamInterceptor: the
// policy is that of the stream as a whole.
func StreamServer(r policy.Runner) grpc.StreamServerInterceptor {
	refuseNil("StreamServer", r)
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return serve(stream.Context(), r, func(ctx context.Context) error {
			return handler(srv, &boundStream{stream, ctx})
		})
	}
}

// serve runs a handler once.
func serve(ctx context.Context, r policy.Runner, handler func(context.Context) error) error {
	var a attempts
	err := r.Run(ctx, func(ctx context.Context) error {
		if err := a.over(); err != nil {
			return err
		}
		err := handler(ctx)
		if err == nil {
			return nil
		}
		return a.failed(ctx, err, func() bool { return false })
	})
	return a.end(err)
}

// boundStream is a stream with the context of the policy.
type boundStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s *boundStream) Context() context.Context { return s.ctx }
