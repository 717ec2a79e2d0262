package cladgrpc_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// counted is a runner, and what its orchestrator counts.
func counted(t *testing.T, layers ...policy.Policy) (policy.Runner, func() policy.Totals) {
	t.Helper()
	o := newOrchestrator(t)
	r, err := o.For("shop", policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	return r, func() policy.Totals { return o.Metrics().Totals }
}

func TestCodesAreUnderstood(t *testing.T) {
	const (
		answered = iota // a success to breakers
		failed          // retried, and counted
		lost            // counted, and not retried
	)
	want := map[codes.Code]int{
		codes.Canceled:           failed, // the caller did not
		codes.Unknown:            failed,
		codes.InvalidArgument:    answered,
		codes.DeadlineExceeded:   failed, // the server's own
		codes.NotFound:           answered,
		codes.AlreadyExists:      answered,
		codes.PermissionDenied:   answered,
		codes.ResourceExhausted:  failed, // throttled
		codes.FailedPrecondition: answered,
		codes.Aborted:            answered, // to be retried at a higher level
		codes.OutOfRange:         answered,
		codes.Unimplemented:      answered,
		codes.Internal:           failed,
		codes.Unavailable:        failed,
		codes.DataLoss:           lost,
		codes.Unauthenticated:    answered,
		codes.Code(42):           failed,
	}
	for code, want := range want {
		s := refusing(100, status.Error(code, "no"))
		r, totals := counted(t, atOnce(2), policy.CircuitBreaker{FailureThreshold: 2})
		cc := s.client(t, r)
		for range 2 {
			_, err := call(t.Context(), cc, find)
			if st := status.Convert(err); st.Code() != code || st.Message() != "no" {
				t.Errorf("%v: came out as %v", code, err)
			}
			if want != failed && errors.Unwrap(err) != nil {
				t.Errorf("%v: nothing was stopped, and yet the error is not the server's own: %T", code, err)
			}
			if want == failed {
				break
			}
		}
		_, err := call(t.Context(), cc, find)
		if open := errors.Is(err, policy.ErrCircuitOpen); open != (want != answered) {
			t.Errorf("%v: the circuit is open: %v", code, open)
		}
		got := totals()
		if (got.RetryAttempts > 0) != (want == failed) || (got.Answered == 3) != (want == answered) || (got.SuccessfulOperations == 3) != (want == answered) {
			t.Errorf("%v: counted %+v", code, got)
		}
	}
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		if _, ok := want[code]; !ok {
			t.Errorf("%v is not tested", code)
		}
	}
}

// Errors were marked and wrapped, so that they were no longer found by == or by
// their type.
func TestErrorsComeOutAsTheyWere(t *testing.T) {
	for _, refusal := range []error{
		status.Error(codes.NotFound, "none"),
		status.Error(codes.Unavailable, "busy"),
		status.Error(codes.DataLoss, "gone"),
		errors.New("an interceptor's"),
		context.Canceled,
		os.ErrDeadlineExceeded,
	} {
		for name, r := range map[string]policy.Runner{
			"unsafe, retry":  runner(t, atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Minute)),
			"no retry":       runner(t, policy.CircuitBreaker{}),
			"one attempt":    runner(t, atOnce(1)),
			"another runner": anyRunner(func(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }),
		} {
			intercept := cladgrpc.UnaryClient(r)
			err := intercept(t.Context(), pay, nil, nil, nil, func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
				return refusal
			})
			if err != refusal { //nolint:errorlint // it must be the very same
				t.Errorf("%s: %v came out as %T: %v", name, refusal, err, err)
			}
		}
	}
}

// A timeout says so also to those who ask by type, through what gives it a status.
func TestTimeoutsSayThatTheyAre(t *testing.T) {
	hang := &shop{unary: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}}
	for name, layers := range map[string][]policy.Policy{
		"a timeout":        {policy.Timeout(20 * time.Millisecond)},
		"under a retry":    {atOnce(2), policy.Timeout(20 * time.Millisecond)},
		"of the operation": {policy.Timeout(20 * time.Millisecond), atOnce(2)},
	} {
		_, err := call(t.Context(), hang.client(t, runner(t, layers...)), find)
		if !os.IsTimeout(err) || !errors.Is(err, policy.ErrTimeout) || status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: %T %v", name, err, err)
		}
	}
	_, err := call(t.Context(), refusing(9, status.Error(codes.Internal, "no")).client(t, runner(t, atOnce(2))), find)
	if os.IsTimeout(err) || err == nil {
		t.Errorf("no timeout: %v", err)
	}
}

type noToken struct{}

func (noToken) RequireTransportSecurity() bool { return false }
func (noToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return nil, errors.New("nobody is logged in")
}

// garbage is a codec that sends what no proto message is.
type garbage struct{}

func (garbage) Marshal(any) ([]byte, error) { return []byte{0x0a, 0x01, 0xff}, nil }
func (garbage) Unmarshal([]byte, any) error { return errors.New("unreadable") }
func (garbage) Name() string                { return "proto" }

// One user's nonsense opened the circuit for everybody: what a message is not, or
// is too large for, had the codes of servers in trouble.
func TestOnesOwnMistakesAreNobodysFailure(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, c := range map[string]struct {
		text string
		ctx  func(context.Context) context.Context
		opts []grpc.CallOption
		code codes.Code
	}{
		"invalid UTF-8":            {text: "\xff", code: codes.Internal},
		"above one's own limit":    {text: long, opts: []grpc.CallOption{grpc.MaxCallSendMsgSize(100)}, code: codes.ResourceExhausted},
		"above the server's limit": {text: long, code: codes.ResourceExhausted},
		"an answer above it":       {text: strings.Repeat("x", 500), opts: []grpc.CallOption{grpc.MaxCallRecvMsgSize(100)}, code: codes.ResourceExhausted},
		"what no message is":       {text: "x", opts: []grpc.CallOption{grpc.ForceCodec(garbage{})}, code: codes.Internal},
		"no codec":                 {text: "x", opts: []grpc.CallOption{grpc.CallContentSubtype("none")}, code: codes.Internal},
		"no compressor":            {text: "x", opts: []grpc.CallOption{grpc.UseCompressor("none")}, code: codes.Internal},
		"no credentials":           {text: "x", opts: []grpc.CallOption{grpc.PerRPCCredentials(noToken{})}, code: codes.Internal},
		"metadata not printable": {text: "x", code: codes.Internal, ctx: func(ctx context.Context) context.Context {
			return metadata.AppendToOutgoingContext(ctx, "user", "a\x00b")
		}},
		"metadata too large": {text: "x", code: codes.Internal, ctx: func(ctx context.Context) context.Context {
			return metadata.AppendToOutgoingContext(ctx, "user", strings.Repeat(long, 10))
		}},
	} {
		s := refusing(0, nil)
		r, totals := counted(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
		cc := s.serve(t, []grpc.ServerOption{grpc.MaxRecvMsgSize(1000), grpc.MaxHeaderListSize(4000)},
			grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(r)), grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(r)))
		if _, err := call(t.Context(), cc, find); err != nil { // the settings of the connection are there
			t.Fatal(err)
		}
		ctx := t.Context()
		if c.ctx != nil {
			ctx = c.ctx(ctx)
		}
		err := cc.Invoke(ctx, find, wrapperspb.String(c.text), new(wrapperspb.StringValue), c.opts...)
		if status.Code(err) != c.code || errors.Unwrap(err) != nil {
			t.Errorf("%s: %T %v", name, err, err)
		}
		if _, err := call(t.Context(), cc, find); err != nil {
			t.Errorf("%s: then %v", name, err)
		}
		if got := totals(); got.RetryAttempts != 0 || got.CircuitBreakerTrips != 0 {
			t.Errorf("%s: counted %+v", name, got)
		}
	}
}

// What says nothing of the server must not close a circuit either.
func TestOnesOwnMistakesAreNoProbes(t *testing.T) {
	s := refusing(1, status.Error(codes.Unavailable, "busy"))
	o := newOrchestrator(t)
	if err := o.RegisterCircuitBreaker("b", policy.CircuitBreaker{FailureThreshold: 1, SuccessThreshold: 1, RecoveryTimeout: 20 * time.Millisecond, ProbeTimeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	r, err := o.For("shop", policy.CircuitBreaker{Name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	cc := s.client(t, r)
	if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Unavailable {
		t.Fatal(err)
	}
	// real time: the server is real, and so is the breaker's clock.
	time.Sleep(30 * time.Millisecond)
	b, _ := o.CircuitBreaker("b")
	if err := cc.Invoke(t.Context(), find, wrapperspb.String("\xff"), new(wrapperspb.StringValue)); status.Code(err) != codes.Internal {
		t.Errorf("got %v", err)
	}
	if b.State() != policy.StateHalfOpen {
		t.Errorf("nonsense made it %v", b.State())
	}
	if _, err := call(t.Context(), cc, find); err != nil || b.State() != policy.StateClosed {
		t.Errorf("%v: %v", b.State(), err)
	}
}

// A server that cannot make its answer, or makes one that cannot be read, has
// failed, though the codes and words are those of one's own mistakes.
func TestServersMistakesAreItsFailures(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		opts []grpc.CallOption
	}{
		"an answer that is no message":  {"\xff", nil},
		"an answer that cannot be read": {"fine", []grpc.CallOption{grpc.ForceCodec(unreadable{})}},
	} {
		s := &shop{unary: func(context.Context, string) (string, error) { return c.text, nil }}
		r, totals := counted(t, atOnce(2), policy.CircuitBreaker{FailureThreshold: 2})
		cc := s.client(t, r)
		if _, err := call(t.Context(), cc, find, c.opts...); status.Code(err) != codes.Internal || s.calls.Load() != 2 {
			t.Errorf("%s: called %d times: %v", name, s.calls.Load(), err)
		}
		if got := totals(); got.CircuitBreakerTrips != 1 {
			t.Errorf("%s: counted %+v", name, got)
		}
	}
}

// unreadable is a codec that sends an empty message and can't read the answer.
type unreadable struct{ garbage }

func (unreadable) Marshal(any) ([]byte, error) { return nil, nil }

// A connection that its own program closed is no failure of the server's.
func TestClosedConnectionIsRefused(t *testing.T) {
	s := refusing(0, nil)
	r, totals := counted(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
	cc := s.client(t, r)
	if err := cc.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Canceled || errors.Is(err, policy.ErrCircuitOpen) {
			t.Errorf("got %v", err)
		}
	}
	if got := totals(); got.RetryAttempts != 0 || got.CircuitBreakerTrips != 0 || got.Cancelled != 0 {
		t.Errorf("counted %+v", got)
	}
}

// A generated proxy around a client of gRPC gets its errors as they are.
func TestStatusesAreKnownWithoutTheAdapter(t *testing.T) {
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		want := policy.Failed
		switch code {
		case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition,
			codes.Aborted, codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated:
			want = policy.Answered
		default:
		}
		if got := verdict.Of(fmt.Errorf("shop: %w", status.Error(code, "no"))); got.Verdict != want || got.NoEffect || got.Final != (code == codes.DataLoss) {
			t.Errorf("%v: %+v", code, got)
		}
		if !slices.Contains(verdict.Names(), "grpc."+code.String()) {
			t.Errorf("%v has no name", code)
		}
	}
	for _, text := range []string{"grpc: error while marshaling: string field contains invalid UTF-8", "SendMsg called after CloseSend"} {
		if got := verdict.Of(status.Error(codes.Internal, text)); got.Verdict != policy.Refused {
			t.Errorf("%s: %+v", text, got)
		}
	}
	if got := verdict.Of(status.Error(codes.Code(42), "rpc error: code = NotFound desc = x")); got.Verdict != policy.Failed {
		t.Errorf("a code that nobody knows: %+v", got)
	}
	r, totals := counted(t, atOnce(3), policy.Errors{
		Failures: []error{policy.ErrorName("grpc.NotFound")},
		Answers:  []error{policy.ErrorName("grpc.Unavailable")},
	})
	s := refusing(1, status.Error(codes.Unavailable, "none here"))
	cc := s.client(t, r)
	if _, err := call(t.Context(), cc, find); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v", err)
	}
	s.unary = func(context.Context, string) (string, error) { return "", status.Error(codes.NotFound, "none") }
	if _, err := call(t.Context(), cc, find); !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("got %v", err)
	}
	if got := totals(); got.Answered != 1 || got.RetryAttempts != 2 {
		t.Errorf("counted %+v", got)
	}
}
