package clients

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const (
	grpcGo    = "google.golang.org/grpc"
	connectGo = "connectrpc.com/connect"
)

var rpcFamily = &family{
	title: "gRPC, Connect and Twirp",
	intro: "Told by the code. That there was no effect is told by none that came from a server, which may hand on the status of another one; [cladgrpc](adapters.md) knows of calls that never left. Errors of Connect's and Twirp's own clients wrap the cause, which counts.",
}

// health answers with the code that the asked service's name spells.
type health struct {
	grpc_health_v1.UnimplementedHealthServer

	asked atomic.Int32
}

func (h *health) Check(ctx context.Context, r *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.asked.Add(1)
	var code codes.Code
	if r.Service == "hang" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if known := code.UnmarshalJSON([]byte(`"`+r.Service+`"`)) == nil; !known {
		return &grpc_health_v1.HealthCheckResponse{}, nil
	}
	return nil, status.Error(code, "no")
}

var unsent = meaning{Verdict: refused.Verdict}

// rpcCodes are the situations by their codes, for both.
var rpcCodes = []struct {
	situation, code string
	want            meaning
}{
	{"not found", "NOT_FOUND", answered},
	{"it exists already", "ALREADY_EXISTS", answered},
	{"an argument that is wrong", "INVALID_ARGUMENT", answered},
	{"out of range", "OUT_OF_RANGE", answered},
	{"not in a state for it", "FAILED_PRECONDITION", answered},
	{"a conflict", "ABORTED", answered},
	{"not permitted", "PERMISSION_DENIED", answered},
	{"a wrong password", "UNAUTHENTICATED", answered},
	{"a procedure that is not one", "UNIMPLEMENTED", answered},
	{"throttled", "RESOURCE_EXHAUSTED", failed},
	{"unavailable", "UNAVAILABLE", failed},
	{"the server's own clock ended it", "DEADLINE_EXCEEDED", failed},
	{"its own trouble", "INTERNAL", failed},
	{"an error of no kind", "UNKNOWN", failed},
	{"data is lost", "DATA_LOSS", meaning{Verdict: failed.Verdict, Final: true}},
}

func TestGRPC(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &health{}
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, h)
	go func() { _ = s.Serve(l) }()
	t.Cleanup(s.Stop)
	dial := func(addr string, opts ...grpc.DialOption) (*grpc.ClientConn, grpc_health_v1.HealthClient) {
		t.Helper()
		conn, err := grpc.NewClient("passthrough:///"+addr, append([]grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, opts...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn, grpc_health_v1.NewHealthClient(conn)
	}
	conn, c := dial(l.Addr().String())
	check := func(ctx context.Context, c grpc_health_v1.HealthClient, service string) error {
		_, err := c.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
		return err
	}
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		rpcFamily.meets(t, grpcGo, situation, err, want)
	}
	for _, tt := range rpcCodes {
		saw(tt.situation, check(t.Context(), c, tt.code), tt.want)
	}
	saw("a text that is not UTF-8", check(t.Context(), c, "\xff"), unsent)
	_, small := dial(l.Addr().String(), grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(4)))
	saw("larger than the client sends", check(t.Context(), small, "a long name"), unsent)
	_, nobody := dial("127.0.0.1:" + freePort(t))
	saw("nobody listens", check(t.Context(), nobody, ""), failed)

	const soon = 300 * time.Millisecond
	deadline := took(func() { err = check(within(t, soon), c, "hang") })
	saw("the deadline passes at a server that hangs", err, failed)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = check(ctx, c, "hang") })
	h.asked.Store(0)
	_ = check(t.Context(), c, "UNAVAILABLE")
	retries := "no, but for calls that the server has not seen"
	if n := h.asked.Load(); n != 1 {
		retries = fmt.Sprintf("%d times", n)
	}
	rpcFamily.behaves(grpcGo, way{deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: retries, set: "no `retryPolicy` in the service config"})
	_ = conn.Close()
	saw("a client that was closed", check(t.Context(), c, ""), unsent)
}

func TestConnect(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	handler := connect.NewUnaryHandler("/health/Check", func(ctx context.Context, r *connect.Request[wrapperspb.StringValue]) (*connect.Response[wrapperspb.StringValue], error) {
		asked.Add(1)
		if r.Msg.Value == "hang" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var code codes.Code
		if known := code.UnmarshalJSON([]byte(`"`+r.Msg.Value+`"`)) == nil; !known {
			return connect.NewResponse(&wrapperspb.StringValue{}), nil
		}
		return nil, connect.NewError(connect.Code(code), errors.New("no"))
	})
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	open := func(url string, opts ...connect.ClientOption) func(context.Context, string) error {
		c := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](&http.Client{Transport: transport}, url+"/health/Check", opts...)
		return func(ctx context.Context, value string) error {
			_, err := c.CallUnary(ctx, connect.NewRequest(&wrapperspb.StringValue{Value: value}))
			return err
		}
	}
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		rpcFamily.meets(t, connectGo, situation, err, want)
	}
	check := open(s.URL)
	for _, tt := range rpcCodes {
		saw(tt.situation, check(t.Context(), tt.code), tt.want)
	}
	saw("a text that is not UTF-8", check(t.Context(), "\xff"), refused)
	saw("larger than the client sends", open(s.URL, connect.WithSendMaxBytes(4))(t.Context(), "a long name"), refused)
	saw("nobody listens", open("http://127.0.0.1:"+freePort(t))(t.Context(), ""), unmade)
	reset := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer reset.Close()
	saw("the connection breaks while the call runs", open(reset.URL)(t.Context(), ""), failed)
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	saw("a procedure that is not one, at a proxy", open(missing.URL)(t.Context(), ""), answered)
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer busy.Close()
	saw("a gateway's own trouble", open(busy.URL)(t.Context(), ""), failed)

	const soon = 300 * time.Millisecond
	var err error
	deadline := took(func() { err = check(within(t, soon), "hang") })
	saw("the deadline passes at a server that hangs", err, failed)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = check(ctx, "hang") })
	asked.Store(0)
	_ = check(t.Context(), "UNAVAILABLE")
	retries := "no"
	if n := asked.Load(); n != 1 {
		retries = fmt.Sprintf("%d times", n)
	}
	rpcFamily.behaves(connectGo, way{deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: retries, set: "`cladhttp.Transport` in its `http.Client`, where streams are to be guarded too"})
}
