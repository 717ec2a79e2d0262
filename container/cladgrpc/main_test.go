package cladgrpc_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestMain(m *testing.M) {
	if err := register(); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// The methods of the test's service: those that its proto file declares
// idempotent, and others.
const (
	find  = "/clad.test.Shop/Find"  // NO_SIDE_EFFECTS
	store = "/clad.test.Shop/Store" // IDEMPOTENT
	pay   = "/clad.test.Shop/Pay"   // not declared
	list  = "/clad.test.Shop/List"  // a stream from the server
	sum   = "/clad.test.Shop/Sum"   // a stream from the client
	chat  = "/clad.test.Shop/Chat"  // both
)

// register makes the proto file known that a generator would have.
func register() error {
	method := func(name string, level *descriptorpb.MethodOptions_IdempotencyLevel) *descriptorpb.MethodDescriptorProto {
		return &descriptorpb.MethodDescriptorProto{
			Name: &name, InputType: proto.String(".google.protobuf.StringValue"), OutputType: proto.String(".google.protobuf.StringValue"),
			Options: &descriptorpb.MethodOptions{IdempotencyLevel: level},
		}
	}
	streaming := func(m *descriptorpb.MethodDescriptorProto, server, client bool) *descriptorpb.MethodDescriptorProto {
		m.ServerStreaming, m.ClientStreaming = &server, &client
		return m
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("clad/test/shop.proto"), Package: proto.String("clad.test"), Syntax: proto.String("proto3"),
		Dependency: []string{wrapperspb.File_google_protobuf_wrappers_proto.Path()},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("Shop"),
			Method: []*descriptorpb.MethodDescriptorProto{
				method("Find", descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()),
				method("Store", descriptorpb.MethodOptions_IDEMPOTENT.Enum()),
				method("Pay", nil),
				streaming(method("List", nil), true, false),
				streaming(method("Sum", nil), false, true),
				streaming(method("Chat", nil), true, true),
			},
		}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		return err
	}
	return protoregistry.GlobalFiles.RegisterFile(file)
}

// shop is the service: it does what a test has it do.
type shop struct {
	calls  atomic.Int32
	unary  func(ctx context.Context, text string) (string, error)
	stream func(s grpc.ServerStream) error
}

func (s *shop) desc() *grpc.ServiceDesc {
	unary := func(method string) grpc.MethodDesc {
		return grpc.MethodDesc{MethodName: method, Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			req := new(wrapperspb.StringValue)
			if err := decode(req); err != nil {
				return nil, err
			}
			handle := func(ctx context.Context, req any) (any, error) {
				s.calls.Add(1)
				text, err := s.unary(ctx, req.(*wrapperspb.StringValue).GetValue())
				return wrapperspb.String(text), err
			}
			if intercept == nil {
				return handle(ctx, req)
			}
			return intercept(ctx, req, &grpc.UnaryServerInfo{Server: s, FullMethod: "/clad.test.Shop/" + method}, handle)
		}}
	}
	stream := func(method string, server, client bool) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: method, ServerStreams: server, ClientStreams: client, Handler: func(_ any, ss grpc.ServerStream) error {
			s.calls.Add(1)
			return s.stream(ss)
		}}
	}
	return &grpc.ServiceDesc{
		ServiceName: "clad.test.Shop", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{unary("Find"), unary("Store"), unary("Pay")},
		Streams: []grpc.StreamDesc{stream("List", true, false), stream("Sum", false, true), stream("Chat", true, true)},
	}
}

// serve starts the service on loopback and returns a connection to it.
func (s *shop) serve(t *testing.T, server []grpc.ServerOption, client ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(server...)
	g.RegisterService(s.desc(), s)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	return dial(t, l.Addr().String(), client...)
}

func dial(t *testing.T, address string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient("passthrough:///"+address, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	return cc
}

// call makes a unary call.
func call(ctx context.Context, cc grpc.ClientConnInterface, method string, opts ...grpc.CallOption) (string, error) {
	reply := new(wrapperspb.StringValue)
	err := cc.Invoke(ctx, method, wrapperspb.String("text"), reply, opts...)
	return reply.GetValue(), err
}

// open opens a stream.
func open(ctx context.Context, cc grpc.ClientConnInterface, method string) (grpc.ClientStream, error) {
	return cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: method != sum, ClientStreams: method != list}, method)
}

func send(t *testing.T, s interface{ SendMsg(any) error }, text string) {
	t.Helper()
	if err := s.SendMsg(wrapperspb.String(text)); err != nil {
		t.Errorf("sending %q: %v", text, err)
	}
}

// receive receives a text, "" at the end of the stream.
func receive(t *testing.T, s interface{ RecvMsg(any) error }) string {
	t.Helper()
	m := new(wrapperspb.StringValue)
	if err := s.RecvMsg(m); err != nil && err != io.EOF { //nolint:errorlint // it is never wrapped
		t.Errorf("receiving: %v", err)
	}
	return m.GetValue()
}

func newOrchestrator(t *testing.T) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func runner(t *testing.T, layers ...policy.Policy) policy.Runner {
	t.Helper()
	r, err := newOrchestrator(t).For("shop", policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// atOnce is a retry that does not wait.
func atOnce(attempts int) policy.Retry {
	return policy.Retry{MaxAttempts: attempts, Backoff: policy.Fixed(0)}
}
