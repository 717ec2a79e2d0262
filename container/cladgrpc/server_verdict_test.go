package cladgrpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// guarded serves the shop under the layers, and returns an unguarded connection
// to it and what the server counts.
func (s *shop) guarded(t *testing.T, layers ...policy.Policy) (*grpc.ClientConn, func() policy.Totals) {
	t.Helper()
	r, totals := counted(t, layers...)
	recovers := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (resp any, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = status.Error(codes.Internal, fmt.Sprint(p))
			}
		}()
		return handler(ctx, req)
	}
	return s.serve(t, []grpc.ServerOption{
		grpc.MaxRecvMsgSize(1000),
		grpc.ChainUnaryInterceptor(recovers, cladgrpc.UnaryServer(r)),
		grpc.ChainStreamInterceptor(cladgrpc.StreamServer(r)),
	}), totals
}

// A client that goes is no failure of the server's.
func TestClientsThatGoOpenNoCircuit(t *testing.T) {
	s := &shop{
		unary:  func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		stream: func(ss grpc.ServerStream) error { return ss.RecvMsg(new(wrapperspb.StringValue)) },
	}
	cc, totals := s.guarded(t, policy.CircuitBreaker{FailureThreshold: 1, Patience: time.Minute}, policy.Timeout(time.Minute))
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := call(ctx, cc, find); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		stream, err := open(ctx, cc, chat)
		if err == nil {
			err = stream.RecvMsg(nil)
		}
		if status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		cancel()
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if stream, err = open(ctx, cc, chat); err == nil {
			err = stream.RecvMsg(nil)
		}
		if status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
	}
	waitFor(t, "every handler is through", func() bool { return totals().TotalOperations == uint64(s.calls.Load()) })
	if got := totals(); got.CircuitBreakerTrips != 0 || got.Cancelled != got.TotalOperations {
		t.Errorf("counted %+v", got)
	}
}

// A client that sends what cannot be read opened the server's circuit for all.
func TestNonsenseOfClientsOpensNoCircuit(t *testing.T) {
	s := &shop{stream: func(ss grpc.ServerStream) error {
		m := new(wrapperspb.StringValue)
		switch err := ss.RecvMsg(m); {
		case errors.Is(err, io.EOF):
			return status.Error(codes.Internal, "broken")
		case err != nil:
			return fmt.Errorf("receiving: %w", err)
		}
		return nil
	}}
	cc, totals := s.guarded(t, policy.CircuitBreaker{FailureThreshold: 1})
	for name, c := range map[string]struct {
		text string
		opts []grpc.CallOption
	}{
		"unreadable": {"x", []grpc.CallOption{grpc.ForceCodec(garbage{})}},
		"too large":  {strings.Repeat("x", 2000), nil},
	} {
		stream, err := cc.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, chat, c.opts...)
		if err != nil {
			t.Fatal(err)
		}
		send(t, stream, c.text)
		if err := stream.RecvMsg(nil); status.Code(err) != codes.Internal && status.Code(err) != codes.ResourceExhausted {
			t.Errorf("%s: %v", name, err)
		}
	}
	waitFor(t, "both are counted", func() bool { return totals().FailedOperations == 2 })
	if got := totals(); got.CircuitBreakerTrips != 0 {
		t.Errorf("counted %+v", got)
	}
	stream, err := open(t.Context(), cc, chat)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if err := stream.RecvMsg(nil); status.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
	waitFor(t, "a failure of the handler's own counts", func() bool { return totals().CircuitBreakerTrips == 1 })
}

func TestPanicsOfHandlersGoOnAndCount(t *testing.T) {
	s := &shop{unary: func(context.Context, string) (string, error) { panic("oops") }}
	cc, totals := s.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Minute))
	if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Internal || status.Convert(err).Message() != "oops" {
		t.Errorf("got %v", err)
	}
	if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
	if got := totals(); got.CircuitBreakerTrips != 1 || s.calls.Load() != 1 {
		t.Errorf("counted %+v of %d calls", got, s.calls.Load())
	}
}

// Interceptors around see a handler's own error, not one that looks like it.
func TestHandlersErrorsReachOtherInterceptors(t *testing.T) {
	for _, mine := range []error{errors.New("oops"), context.Canceled, status.Error(codes.NotFound, "none")} {
		intercept := cladgrpc.UnaryServer(runner(t, atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Minute)))
		_, err := intercept(t.Context(), nil, &grpc.UnaryServerInfo{}, func(context.Context, any) (any, error) { return nil, mine })
		if err != mine { //nolint:errorlint // it must be the very same
			t.Errorf("%v came out as %T %v", mine, err, err)
		}
	}
}
