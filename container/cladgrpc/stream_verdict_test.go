package cladgrpc_test

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// watched returns a connection whose streams are opened under the layers, and
// what is counted.
func (s *shop) watched(t *testing.T, layers ...policy.Policy) (*grpc.ClientConn, func() policy.Totals) {
	t.Helper()
	r, totals := counted(t, layers...)
	return s.serve(t, nil, grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(r))), totals
}

// silent is a shop that takes streams and says nothing on them.
func silent() *shop {
	return &shop{stream: func(s grpc.ServerStream) error { <-s.Context().Done(); return s.Context().Err() }}
}

// ask opens a stream, asks on it, and returns how the first message comes.
func ask(ctx context.Context, cc *grpc.ClientConn, method string) error {
	stream, err := open(ctx, cc, method)
	if err != nil {
		return err
	}
	if err := stream.SendMsg(wrapperspb.String("text")); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	return stream.RecvMsg(new(wrapperspb.StringValue))
}

// waitFor waits until something holds that gRPC's goroutines bring about.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		// real time: gRPC's goroutines are not ours to wait for.
		time.Sleep(time.Millisecond)
	}
	t.Errorf("in vain: %s", what)
}

// Streams answered with UNAVAILABLE were successes: to open one only puts it on a
// queue, and that success ended each row of failures.
func TestStreamsAreJudgedByTheirFirstMessage(t *testing.T) {
	busy := &shop{stream: func(grpc.ServerStream) error { return status.Error(codes.Unavailable, "busy") }}
	for _, method := range []string{list, sum, chat} {
		cc, totals := busy.watched(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 5})
		for range 5 {
			if err := ask(t.Context(), cc, method); status.Code(err) != codes.Unavailable || errors.Unwrap(err) != nil {
				t.Errorf("%s: %T %v", method, err, err)
			}
		}
		if err := ask(t.Context(), cc, method); !errors.Is(err, policy.ErrCircuitOpen) || status.Code(err) != codes.Unavailable {
			t.Errorf("%s: %v", method, err)
		}
		if got := totals(); got.FailedOperations != 6 || got.SuccessfulOperations != 0 || got.CircuitBreakerTrips != 1 {
			t.Errorf("%s: counted %+v", method, got)
		}
	}
}

func TestAStreamIsJudgedOnce(t *testing.T) {
	cc, totals := (&shop{stream: func(s grpc.ServerStream) error {
		for receive(t, s) != "" {
		}
		send(t, s, "a")
		send(t, s, "b")
		return status.Error(codes.Unavailable, "going down")
	}}).watched(t, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Minute))
	for n := range uint64(3) {
		stream, err := open(t.Context(), cc, chat)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
		if got := totals().TotalOperations; got != n {
			t.Errorf("counted %d before the first message", got)
		}
		if text := receive(t, stream); text != "a" {
			t.Errorf("received %q", text)
		}
		if got := totals().SuccessfulOperations; got != n+1 {
			t.Errorf("counted %d at the first message", got)
		}
		if text := receive(t, stream); text != "b" {
			t.Errorf("received %q", text)
		}
		if err := stream.RecvMsg(nil); status.Code(err) != codes.Unavailable || errors.Unwrap(err) != nil {
			t.Errorf("got %T %v", err, err)
		}
	}
	if got := totals(); got.FailedOperations != 0 || got.CircuitBreakerTrips != 0 {
		t.Errorf("counted %+v", got)
	}
}

// A stream without a message is a success where it ends as one.
func TestEmptyStreamSucceeds(t *testing.T) {
	cc, totals := (&shop{stream: func(grpc.ServerStream) error { return nil }}).watched(t, policy.CircuitBreaker{})
	stream, err := open(t.Context(), cc, chat)
	if err != nil {
		t.Fatal(err)
	}
	if text := receive(t, stream); text != "" {
		t.Errorf("received %q", text)
	}
	if got := totals(); got.SuccessfulOperations != 1 {
		t.Errorf("counted %+v", got)
	}
}

func TestAnswersOnStreams(t *testing.T) {
	cc, totals := (&shop{stream: func(grpc.ServerStream) error { return status.Error(codes.NotFound, "none") }}).
		watched(t, policy.CircuitBreaker{FailureThreshold: 1})
	for range 3 {
		if err := ask(t.Context(), cc, list); status.Code(err) != codes.NotFound {
			t.Errorf("got %v", err)
		}
	}
	if got := totals(); got.Answered != 3 || got.SuccessfulOperations != 3 {
		t.Errorf("counted %+v", got)
	}
}

// A server that takes streams and is silent: the timeout is the policy's, and
// counted as one.
func TestSilentStreamTimesOut(t *testing.T) {
	cc, totals := silent().watched(t, policy.CircuitBreaker{FailureThreshold: 2}, policy.Timeout(30*time.Millisecond))
	for range 2 {
		err := ask(t.Context(), cc, list)
		if !errors.Is(err, policy.ErrTimeout) || status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
	}
	if got := totals(); got.TimeoutCount != 2 || got.CircuitBreakerTrips != 1 {
		t.Errorf("counted %+v", got)
	}
}

// A stream that is given up is the caller's end, and is counted though nobody
// receives from it any more.
func TestStreamsThatAreGivenUp(t *testing.T) {
	cc, totals := silent().watched(t, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Minute))
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		if _, err := open(ctx, cc, list); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	waitFor(t, "what was given up is cancelled", func() bool { return totals().Cancelled == 3 })
	if got := totals(); got.CircuitBreakerTrips != 0 || got.TotalOperations != 3 {
		t.Errorf("counted %+v", got)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	if _, err := open(ctx, cc, list); !errors.Is(err, policy.ErrCancelled) {
		t.Errorf("got %v", err)
	}
}

// A caller that is gone while it receives is told so.
func TestCallersEndEndsAStream(t *testing.T) {
	cc, totals := silent().watched(t, policy.CircuitBreaker{FailureThreshold: 1})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := ask(ctx, cc, list); !errors.Is(err, policy.ErrCancelled) || status.Code(err) != codes.Canceled {
		t.Errorf("got %v", err)
	}
	if got := totals(); got.Cancelled != 1 || got.CircuitBreakerTrips != 0 {
		t.Errorf("counted %+v", got)
	}
}

// What cannot be sent says nothing of the server.
func TestNonsenseOnStreamsIsNobodysFailure(t *testing.T) {
	cc, totals := silent().watched(t, policy.CircuitBreaker{FailureThreshold: 1})
	for name, nonsense := range map[string]func(grpc.ClientStream) error{
		"invalid UTF-8": func(s grpc.ClientStream) error { return s.SendMsg(wrapperspb.String("\xff")) },
		"no message":    func(s grpc.ClientStream) error { return s.SendMsg("text") },
		"after the end": func(s grpc.ClientStream) error {
			if err := s.CloseSend(); err != nil {
				return err
			}
			return s.SendMsg(wrapperspb.String("text"))
		},
	} {
		stream, err := open(t.Context(), cc, chat)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := nonsense(stream); status.Code(err) != codes.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := totals(); got.FailedOperations != 3 || got.CircuitBreakerTrips != 0 {
		t.Errorf("counted %+v", got)
	}
}

// The place of a probe is held until the stream has said something.
func TestAStreamIsAProbeUntilItsFirstMessage(t *testing.T) {
	var healthy atomic.Bool
	s := &shop{stream: func(s grpc.ServerStream) error {
		if !healthy.Load() {
			return status.Error(codes.Unavailable, "busy")
		}
		for receive(t, s) != "" {
		}
		send(t, s, "fine")
		return nil
	}}
	cc, totals := s.watched(t, policy.CircuitBreaker{FailureThreshold: 1, SuccessThreshold: 1, RecoveryTimeout: 20 * time.Millisecond, ProbeTimeout: time.Minute})
	if err := ask(t.Context(), cc, list); status.Code(err) != codes.Unavailable {
		t.Fatal(err)
	}
	healthy.Store(true)
	// real time: the server is real, and so is the breaker's clock.
	time.Sleep(30 * time.Millisecond)
	probe, err := open(t.Context(), cc, chat)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t.Context(), cc, chat); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("a second probe: %v", err)
	}
	if err := probe.CloseSend(); err != nil {
		t.Error(err)
	}
	if text := receive(t, probe); text != "fine" {
		t.Errorf("received %q", text)
	}
	if err := ask(t.Context(), cc, list); err != nil {
		t.Errorf("the circuit is closed, and yet: %v", err)
	}
	if got := totals(); got.SuccessfulOperations != 2 {
		t.Errorf("counted %+v", got)
	}
}
