package cladgrpc

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

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
		err = run(ctx, r, func(ctx context.Context, _ retries) (meaning, error) {
			resp, err = handler(ctx, req)
			return handled(ctx, err), err
		})
		return resp, err
	}
}

// StreamServer is [UnaryServer] for streams, for grpc.ChainStreamInterceptor: the
// policy is that of the stream as a whole. A stream that its client breaks off,
// or on which it sends what cannot be read or is too large, says nothing to a
// circuit breaker.
func StreamServer(r policy.Runner) grpc.StreamServerInterceptor {
	refuseNil("StreamServer", r)
	return func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return run(stream.Context(), r, func(ctx context.Context, _ retries) (meaning, error) {
			bound := &boundStream{ServerStream: stream, ctx: ctx}
			err := handler(srv, bound)
			m := handled(ctx, err)
			if m.verdict == policy.Failed && bound.brokenBy(err) {
				m.verdict = policy.Refused
			}
			return m, err
		})
	}
}

// handled says what a handler's error means. No handler is run twice.
func handled(ctx context.Context, err error) meaning {
	if err == nil {
		return meaning{}
	}
	m := evidence{}.meaningOf(ctx, err)
	m.final = true
	return m
}

// boundStream is a stream with the context of the policy.
type boundStream struct {
	grpc.ServerStream
	ctx    context.Context
	broken atomic.Pointer[error] // what receiving from the client ended with
}

func (s *boundStream) Context() context.Context { return s.ctx }

func (s *boundStream) RecvMsg(m any) error {
	err := s.ServerStream.RecvMsg(m)
	if err != nil && !errors.Is(err, io.EOF) {
		s.broken.Store(&err)
	}
	return err
}

// brokenBy reports whether an error is what receiving ended with.
func (s *boundStream) brokenBy(err error) bool {
	broken := s.broken.Load()
	return broken != nil && errors.Is(err, *broken)
}
