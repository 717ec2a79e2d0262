package cladgrpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// client returns a connection to the shop whose unary calls are under r.
func (s *shop) client(t *testing.T, r policy.Runner, opts ...cladgrpc.Option) *grpc.ClientConn {
	t.Helper()
	return s.serve(t, nil, grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(r, opts...)))
}

// refusing is a shop that refuses the first n calls.
func refusing(n int32, err error) *shop {
	s := &shop{}
	s.unary = func(_ context.Context, text string) (string, error) {
		if s.calls.Load() <= n {
			return "", err
		}
		return "re: " + text, nil
	}
	return s
}

func TestCallsAreRepeatedOnlyWhereThatIsSafe(t *testing.T) {
	unavailable := status.Error(codes.Unavailable, "busy")
	for _, c := range []struct {
		method string
		opts   []cladgrpc.Option
		want   int32
	}{
		{find, nil, 3},
		{store, nil, 3},
		{pay, nil, 1},
		{pay, []cladgrpc.Option{cladgrpc.Repeat(func(m string) bool { return m == pay })}, 3},
		{find, []cladgrpc.Option{cladgrpc.Repeat(func(string) bool { return false })}, 1},
	} {
		retry := atOnce(3)
		retry.RetryIf = func(error) bool { return true } // which knows nothing of this
		s := refusing(2, unavailable)
		text, err := call(t.Context(), s.client(t, runner(t, retry), c.opts...), c.method)
		if got := s.calls.Load(); got != c.want || (err == nil) != (c.want == 3) || err == nil && text != "re: text" {
			t.Errorf("%s: called %d times, want %d: %q, %v", c.method, got, c.want, text, err)
		}
		if err != nil && (status.Code(err) != codes.Unavailable || status.Convert(err).Message() != "busy") {
			t.Errorf("%s: the status is lost: %v", c.method, status.Convert(err))
		}
	}
}

func TestIdempotent(t *testing.T) {
	for method, want := range map[string]bool{
		find: true, store: true, pay: false,
		"/clad.test.Shop/None": false, "/clad.test.None/Find": false, "": false, "/": false, "find": false,
		"/google.protobuf.StringValue": false, // a message
	} {
		if got := cladgrpc.Idempotent(method); got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
}

func TestRetryInfoIsHonoured(t *testing.T) {
	st, err := status.New(codes.ResourceExhausted, "later").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(100 * time.Millisecond)})
	if err != nil {
		t.Fatal(err)
	}
	s := refusing(1, st.Err())
	start := time.Now()
	if _, err := call(t.Context(), s.client(t, runner(t, atOnce(2))), find); err != nil || s.calls.Load() != 2 {
		t.Errorf("called %d times: %v", s.calls.Load(), err)
	}
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("waited %v", took)
	}
	s = refusing(1, st.Err())
	_, err = call(t.Context(), s.client(t, runner(t, policy.CircuitBreaker{})), find)
	if after, ok := policy.RetryAfter(err); !ok || after != 100*time.Millisecond || status.Convert(err).Message() != "later" {
		t.Errorf("the caller hears %v, %v of %v", after, ok, err)
	}
}

// What the retries of others say of a failure is theirs.
func TestFailureMayBeRetriedByThoseAround(t *testing.T) {
	s := refusing(1, status.Error(codes.Unavailable, "busy"))
	cc := s.client(t, runner(t, atOnce(3)))
	err := runner(t, atOnce(3)).Run(t.Context(), func(ctx context.Context) error {
		_, err := call(ctx, cc, pay)
		return err
	})
	if err != nil || s.calls.Load() != 2 {
		t.Errorf("called %d times: %v", s.calls.Load(), err)
	}
}

// A server that is not there has not been reached by a payment.
func TestCallThatWasNotSentIsRepeated(t *testing.T) {
	o := newOrchestrator(t)
	r, err := o.For("shop", atOnce(3))
	if err != nil {
		t.Fatal(err)
	}
	cc := dial(t, "127.0.0.1:1", grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(r)))
	_, err = call(t.Context(), cc, pay)
	if status.Code(err) != codes.Unavailable || !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("got %v", err)
	}
	if n := o.Metrics().RetryAttempts; n != 2 {
		t.Errorf("%d attempts more", n)
	}
}

// A call that waits for a connection is sent once, by whichever attempt has one.
func TestCallThatWaitsForAConnectionIsSentOnce(t *testing.T) {
	s := refusing(0, nil)
	restartable(t, s, []policy.Policy{atOnce(50), policy.Timeout(100 * time.Millisecond)},
		func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
			time.AfterFunc(350*time.Millisecond, i.start)
			if _, err := call(t.Context(), cc, pay, grpc.WaitForReady(true)); err != nil || s.calls.Load() != 1 {
				t.Errorf("called %d times: %v", s.calls.Load(), err)
			}
			if got := totals(); got.RetryAttempts == 0 || got.TimeoutCount == 0 {
				t.Errorf("counted %+v", got)
			}
		})
}

// Of a connection that is not gRPC's, nobody knows what it sent.
func TestOtherConnectionIsNotTrustedToHaveSentNothing(t *testing.T) {
	calls := 0
	intercept := cladgrpc.UnaryClient(runner(t, atOnce(3)))
	err := intercept(t.Context(), pay, nil, nil, nil, func(context.Context, string, any, any, *grpc.ClientConn, ...grpc.CallOption) error {
		calls++
		return status.Error(codes.Unavailable, "who knows")
	})
	if err == nil || calls != 1 {
		t.Errorf("called %d times: %v", calls, err)
	}
}

func TestErrorsOfCladHaveAStatus(t *testing.T) {
	hang := &shop{unary: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}}
	for _, c := range []struct {
		name  string
		shop  *shop
		layer policy.Policy
		calls int
		is    error
		code  codes.Code
		retry bool
	}{
		{"timeout", hang, policy.Timeout(30 * time.Millisecond), 1, policy.ErrTimeout, codes.DeadlineExceeded, false},
		{"open", refusing(9, status.Error(codes.Internal, "no")), policy.CircuitBreaker{FailureThreshold: 1}, 2, policy.ErrCircuitOpen, codes.Unavailable, true},
		{"limited", refusing(0, nil), policy.RateLimit{RequestsPerSecond: 0.1, Burst: 1}, 2, policy.ErrRateLimited, codes.ResourceExhausted, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cc := c.shop.client(t, runner(t, c.layer))
			var err error
			for range c.calls {
				_, err = call(t.Context(), cc, find)
			}
			st, ok := status.FromError(err)
			if !errors.Is(err, c.is) || !ok || st.Code() != c.code {
				t.Errorf("got %v with status %v", err, st)
			}
			if _, ok := policy.RetryAfter(err); ok != c.retry || (len(st.Details()) == 1) != c.retry {
				t.Errorf("details %v", st.Details())
			}
		})
	}
}

func TestCallersEndIsTheCallers(t *testing.T) {
	s := &shop{unary: func(ctx context.Context, _ string) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}}
	o := newOrchestrator(t)
	r, err := o.For("shop", policy.Combine(atOnce(3), policy.CircuitBreaker{FailureThreshold: 1, Patience: time.Minute}, policy.Timeout(time.Minute)))
	if err != nil {
		t.Fatal(err)
	}
	cc := s.client(t, r)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = call(ctx, cc, find)
	if !errors.Is(err, policy.ErrCancelled) || status.Code(err) != codes.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = call(ctx, cc, find)
	if !errors.Is(err, policy.ErrCancelled) || status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("out of time: %v", err)
	}
	if m := o.Metrics(); m.Cancelled != 2 || m.CircuitBreakerTrips != 0 {
		t.Errorf("counted %+v", m.Totals)
	}
}

func TestCallOptionsAndMetadataPass(t *testing.T) {
	s := &shop{unary: func(ctx context.Context, _ string) (string, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		return fmt.Sprint(md.Get("k")), grpc.SetTrailer(ctx, metadata.Pairs("t", "v"))
	}}
	var trailer metadata.MD
	ctx := metadata.AppendToOutgoingContext(t.Context(), "k", "v")
	text, err := call(ctx, s.client(t, runner(t, atOnce(2), policy.Timeout(time.Minute))), find, grpc.Trailer(&trailer))
	if err != nil || text != "[v]" || len(trailer.Get("t")) != 1 {
		t.Errorf("%q, %v, %v", text, trailer, err)
	}
}

func TestNoPolicyChangesNothing(t *testing.T) {
	refusal := status.Error(codes.Unavailable, "busy")
	intercept := cladgrpc.UnaryClient(runner(t))
	err := intercept(t.Context(), find, nil, nil, nil, func(_ context.Context, _ string, _, _ any, _ *grpc.ClientConn, opts ...grpc.CallOption) error {
		if len(opts) != 0 {
			t.Errorf("%d options were added", len(opts))
		}
		return refusal
	})
	if err != refusal { //nolint:errorlint // it must be the very same
		t.Errorf("got %v", err)
	}
}

func TestTagWrapsConnections(t *testing.T) {
	box, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"external_api": atOnce(3)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := refusing(2, status.Error(codes.Unavailable, "busy"))
	s.stream = func(grpc.ServerStream) error { return nil }
	dial := func() *grpc.ClientConn { return s.serve(t, nil) }
	if err := box.Provide(container.Tag(dial, "external_api", container.As[grpc.ClientConnInterface]())); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(cc grpc.ClientConnInterface) {
		if text, err := call(t.Context(), cc, find); err != nil || text != "re: text" || s.calls.Load() != 3 {
			t.Errorf("called %d times: %q, %v", s.calls.Load(), text, err)
		}
		stream, err := open(t.Context(), cc, chat)
		if err != nil {
			t.Fatal(err)
		}
		if text := receive(t, stream); text != "" {
			t.Errorf("received %q", text)
		}
		if u, ok := cc.(interface {
			Unwrap() grpc.ClientConnInterface
		}); !ok || u.Unwrap() == nil {
			t.Error("the connection is out of reach")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	operations := box.Orchestrator().Metrics().Operations
	if operations["grpc.ClientConnInterface.Invoke"].RetryAttempts != 2 || operations["grpc.ClientConnInterface.NewStream"].TotalOperations != 1 {
		t.Errorf("counted %+v", operations)
	}
}

// A proxy hid what a connection can do beside calls.
func TestTaggedConnectionsKeepWhatTheyCanDo(t *testing.T) {
	s := refusing(0, nil)
	cc, _, err := s.tagged(t, policy.Service{}, container.Keep[io.Closer]())
	if err != nil {
		t.Fatal(err)
	}
	state, ok := cc.(interface{ GetState() connectivity.State })
	if !ok || state.GetState() != connectivity.Idle {
		t.Error("its state is out of reach")
	}
	if _, ok := container.Unwrap(cc).(*grpc.ClientConn); !ok {
		t.Errorf("behind it is a %T", container.Unwrap(cc))
	}
	if closer, ok := cc.(io.Closer); !ok || closer.Close() != nil || state.GetState() != connectivity.Shutdown {
		t.Error("it cannot be closed")
	}

	// What another cannot do, its proxy does not offer.
	wrap := func(made func() grpc.ClientConnInterface) (wrapped grpc.ClientConnInterface) {
		box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"external_api": atOnce(3)}})
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Provide(container.Tag(made, "external_api")); err != nil {
			t.Fatal(err)
		}
		if err := box.Invoke(func(cc grpc.ClientConnInterface) { wrapped = cc }); err != nil {
			t.Fatal(err)
		}
		return wrapped
	}
	plain := struct{ grpc.ClientConnInterface }{s.serve(t, nil)}
	if _, ok := wrap(func() grpc.ClientConnInterface { return plain }).(io.Closer); ok {
		t.Error("it offers to close what cannot be closed")
	}
	closing := struct {
		grpc.ClientConnInterface
		io.Closer
	}{plain, s.serve(t, nil)}
	other := wrap(func() grpc.ClientConnInterface { return closing })
	if text, err := call(t.Context(), other, find); err != nil || text != "re: text" {
		t.Errorf("%q, %v", text, err)
	}
	if closer, ok := other.(io.Closer); !ok || closer.Close() != nil || container.Unwrap(other) != grpc.ClientConnInterface(closing) {
		t.Error("it cannot be closed")
	}
}

func TestNilRunnersAreRefused(t *testing.T) {
	for name, make := range map[string]func(){
		"UnaryClient":  func() { cladgrpc.UnaryClient(nil) },
		"StreamClient": func() { cladgrpc.StreamClient(nil) },
		"UnaryServer":  func() { cladgrpc.UnaryServer(nil) },
		"StreamServer": func() { cladgrpc.StreamServer(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s took a nil runner: calls would go unguarded", name)
				}
			}()
			make()
		}()
	}
}
