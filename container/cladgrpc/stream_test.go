package cladgrpc_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// echo sends back what it receives, and "end" at the end.
func echo(t *testing.T) *shop {
	return &shop{stream: func(s grpc.ServerStream) error {
		for text := receive(t, s); text != ""; text = receive(t, s) {
			send(t, s, text)
		}
		send(t, s, "end")
		return nil
	}}
}

// streams returns a connection whose streams are opened under the layers, and
// the context that the last one was opened with.
func (s *shop) streams(t *testing.T, layers ...policy.Policy) (*grpc.ClientConn, *context.Context) {
	t.Helper()
	opened := new(context.Context)
	return s.serve(t, nil, grpc.WithChainStreamInterceptor(
		cladgrpc.StreamClient(runner(t, layers...)),
		func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			*opened = ctx
			return open(ctx, desc, cc, method, opts...)
		})), opened
}

// The stream's context ended with the call that opened it, and the stream was cut off.
func TestStreamOutlivesTheCall(t *testing.T) {
	cc, ctx := echo(t).streams(t, policy.Timeout(time.Hour), atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Minute))
	stream, err := open(t.Context(), cc, chat)
	if err != nil {
		t.Fatal(err)
	}
	if deadline, ok := stream.Context().Deadline(); !ok || time.Until(deadline) > time.Minute {
		t.Error("the deadline is not on the stream")
	}
	for _, text := range []string{"a", "b"} {
		send(t, stream, text)
		if got := receive(t, stream); got != text {
			t.Errorf("received %q", got)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if got := receive(t, stream); got != "end" {
		t.Errorf("received %q", got)
	}
	if (*ctx).Err() != nil {
		t.Error("the context ended before the stream")
	}
	if got := receive(t, stream); got != "" {
		t.Errorf("received %q", got)
	}
	if (*ctx).Err() == nil {
		t.Error("the context goes on after the stream")
	}
}

// A stream with one answer is over when that is there.
func TestStreamFromTheClientIsOverWithItsAnswer(t *testing.T) {
	cc, ctx := (&shop{stream: func(s grpc.ServerStream) error {
		n := 0
		for receive(t, s) != "" {
			n++
		}
		send(t, s, "two or so")
		return nil
	}}).streams(t, policy.Timeout(time.Minute))
	stream, err := open(t.Context(), cc, sum)
	if err != nil {
		t.Fatal(err)
	}
	send(t, stream, "a")
	send(t, stream, "b")
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if got := receive(t, stream); got != "two or so" {
		t.Errorf("received %q", got)
	}
	if (*ctx).Err() == nil {
		t.Error("the context goes on after the stream")
	}
}

func TestStreamThatFailsIsOver(t *testing.T) {
	cc, ctx := (&shop{stream: func(grpc.ServerStream) error { return status.Error(codes.NotFound, "none") }}).
		streams(t, policy.Timeout(time.Minute))
	stream, err := open(t.Context(), cc, chat)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(nil); status.Code(err) != codes.NotFound || errors.Unwrap(err) != nil {
		t.Errorf("got %T %v", err, err)
	}
	if (*ctx).Err() == nil {
		t.Error("the context goes on after the stream")
	}
}

func TestStreamThatCannotBeSentOnIsOver(t *testing.T) {
	waits := &shop{stream: func(s grpc.ServerStream) error { <-s.Context().Done(); return s.Context().Err() }}
	cc, ctx := waits.streams(t, policy.Timeout(time.Minute))
	stream, err := open(t.Context(), cc, chat)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg("no message"); status.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
	if (*ctx).Err() == nil {
		t.Error("the context goes on after the stream")
	}
}

func TestTimeoutBoundsTheStream(t *testing.T) {
	cc, _ := (&shop{stream: func(s grpc.ServerStream) error { <-s.Context().Done(); return s.Context().Err() }}).
		streams(t, policy.Timeout(30*time.Millisecond))
	stream, err := open(t.Context(), cc, list)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(wrapperspb.String("go")); err != nil {
		t.Error(err)
	}
	if err := stream.RecvMsg(nil); status.Code(err) != codes.DeadlineExceeded || !errors.Is(err, policy.ErrTimeout) || !os.IsTimeout(err) {
		t.Errorf("got %v", err)
	}
}

// A stream that could not be opened was not sent, whatever its method.
func TestOpeningIsRepeated(t *testing.T) {
	o := newOrchestrator(t)
	r, err := o.For("shop", policy.Combine(atOnce(3), policy.CircuitBreaker{FailureThreshold: 3}))
	if err != nil {
		t.Fatal(err)
	}
	cc := dial(t, "127.0.0.1:1", grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(r)))
	_, err = open(t.Context(), cc, chat)
	if status.Code(err) != codes.Unavailable || !errors.Is(err, policy.ErrRetriesExhausted) || o.Metrics().RetryAttempts != 2 {
		t.Errorf("%v, %+v", err, o.Metrics().Totals)
	}
	_, err = open(t.Context(), cc, chat)
	if status.Code(err) != codes.Unavailable || !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
}

func TestStreamsUnderNoPolicyAndOtherRunners(t *testing.T) {
	for name, r := range map[string]policy.Runner{
		"none": runner(t),
		"other": anyRunner(func(ctx context.Context, fn func(context.Context) error) error {
			return fn(ctx)
		}),
	} {
		cc := echo(t).serve(t, nil, grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(r)))
		stream, err := open(t.Context(), cc, chat)
		if err != nil {
			t.Fatal(err)
		}
		send(t, stream, name)
		if got := receive(t, stream); got != name {
			t.Errorf("%s: received %q", name, got)
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		for receive(t, stream) != "" {
		}
	}
}

type anyRunner func(context.Context, func(context.Context) error) error

func (r anyRunner) Run(ctx context.Context, fn func(context.Context) error) error { return r(ctx, fn) }
