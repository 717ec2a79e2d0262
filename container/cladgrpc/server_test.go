package cladgrpc_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// behind serves the shop under r and returns an unguarded connection to it.
func (s *shop) behind(t *testing.T, r policy.Runner) *grpc.ClientConn {
	t.Helper()
	return s.serve(t, []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(cladgrpc.UnaryServer(r)),
		grpc.ChainStreamInterceptor(cladgrpc.StreamServer(r)),
	})
}

func TestServerTurnsAwayWhatIsTooMuch(t *testing.T) {
	s := refusing(0, nil)
	cc := s.behind(t, runner(t, policy.RateLimit{RequestsPerSecond: 0.1, Burst: 1}))
	if text, err := call(t.Context(), cc, find); err != nil || text != "re: text" {
		t.Errorf("the first: %q, %v", text, err)
	}
	_, err := call(t.Context(), cc, find)
	st := status.Convert(err)
	if st.Code() != codes.ResourceExhausted || s.calls.Load() != 1 {
		t.Errorf("the second: %v, %d reached the handler", err, s.calls.Load())
	}
	if len(st.Details()) != 1 || st.Details()[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration() < 9*time.Second {
		t.Errorf("details %v", st.Details())
	}
	stream, err := open(t.Context(), cc, list)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(nil); status.Code(err) != codes.ResourceExhausted || s.calls.Load() != 1 {
		t.Errorf("a stream: %v", err)
	}
}

func TestServerBoundsHandlersInTime(t *testing.T) {
	s := &shop{
		unary:  func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		stream: func(ss grpc.ServerStream) error { <-ss.Context().Done(); return ss.Context().Err() },
	}
	cc := s.behind(t, runner(t, policy.Timeout(20*time.Millisecond)))
	if _, err := call(t.Context(), cc, find); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	stream, err := open(t.Context(), cc, list)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(nil); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
}

// A retry in the policy ran the handler, and with it its effects, several times.
func TestServerNeverRunsAHandlerTwice(t *testing.T) {
	retry := atOnce(5)
	retry.RetryIf = func(error) bool { return true }
	s := refusing(100, status.Error(codes.Unavailable, "busy"))
	_, err := call(t.Context(), s.behind(t, runner(t, retry)), find)
	if status.Code(err) != codes.Unavailable || s.calls.Load() != 1 {
		t.Errorf("%d runs, %v", s.calls.Load(), err)
	}
}

func TestServerTellsErrorsOfHandlers(t *testing.T) {
	secret := errors.New("secret of the inside")
	for _, c := range []struct {
		name    string
		err     error
		code    codes.Code
		message string
		retry   bool
	}{
		{"its own status", status.Error(codes.NotFound, "no such thing"), codes.NotFound, "no such thing", false},
		{"a failure's", status.Error(codes.Internal, "broken"), codes.Internal, "broken", false},
		{"a plain error", errors.New("oops"), codes.Unknown, "oops", false},
		{"open circuit within", &policy.CircuitOpenError{Name: "db", RetryAfter: time.Second}, codes.Unavailable, "circuit open", true},
		{"rate limit within", &policy.RateLimitedError{Name: "db", RetryAfter: time.Second}, codes.ResourceExhausted, "rate limited", true},
		{"bulkhead within", &policy.BulkheadFullError{Name: "db", RetryAfter: time.Second}, codes.ResourceExhausted, "bulkhead full", true},
		{"timeout within", &policy.TimeoutError{Err: secret}, codes.DeadlineExceeded, "timed out", false},
		{"retries within", &policy.RetriesExhaustedError{Err: secret}, codes.Unavailable, "retries exhausted", false},
		{"retries of a call", &policy.RetriesExhaustedError{Err: status.Error(codes.Internal, "broken")}, codes.Internal, "broken", false},
		{"infrastructure", &policy.InfrastructureError{Message: "the ledger is away", Err: secret}, codes.Unavailable, "the ledger is away", false},
		{"a passed deadline", context.DeadlineExceeded, codes.DeadlineExceeded, "context deadline exceeded", false},
		{"a cancellation within", context.Canceled, codes.Canceled, "context canceled", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := refusing(1, c.err)
			for _, r := range []policy.Runner{runner(t), runner(t, policy.Timeout(time.Minute), atOnce(2), policy.CircuitBreaker{})} {
				s.calls.Store(0)
				_, err := call(t.Context(), s.behind(t, r), find)
				st := status.Convert(err)
				if st.Code() != c.code || st.Message() != c.message || (len(st.Details()) == 1) != c.retry {
					t.Errorf("got %v with details %v", st, st.Details())
				}
				if strings.Contains(st.Message(), "secret") {
					t.Errorf("the message tells of the inside: %s", st.Message())
				}
			}
		})
	}
}

func TestServersBreakerCountsFailuresNotRefusals(t *testing.T) {
	for code, want := range map[codes.Code]codes.Code{codes.NotFound: codes.NotFound, codes.Internal: codes.Unavailable} {
		s := refusing(100, status.Error(code, "no"))
		cc := s.behind(t, runner(t, policy.CircuitBreaker{FailureThreshold: 1}))
		for range 2 {
			_, err := call(t.Context(), cc, find)
			if s.calls.Load() == 1 && status.Code(err) == code {
				continue
			}
			if status.Code(err) != want {
				t.Errorf("%v: the second got %v", code, err)
			}
		}
	}
}

func TestStatusOfNothingIsOK(t *testing.T) {
	if cladgrpc.Status(nil).Code() != codes.OK {
		t.Error("not OK")
	}
}
