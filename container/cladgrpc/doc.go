// Package cladgrpc guards gRPC, on both sides, with interceptors. It is a module
// of its own, so that gRPC stays out of clad's.
//
// # Clients
//
// Importing the package is enough for container.Tag to wrap constructors that
// return a grpc.ClientConnInterface, which is what generated clients are made of:
//
//	import _ "github.com/cladgo/clad/container/cladgrpc"
//
//	fx.Provide(
//		container.Tag(dial, "external_api", container.As[grpc.ClientConnInterface]()),
//		paymentspb.NewGatewayClient,
//	)
//
// Its methods, by which a tag or a profile may choose policies, are Invoke for
// unary calls and NewStream for streams. Without tags, [UnaryClient] and
// [StreamClient] take a runner of an orchestrator.
//
// The code of an error says what it means. InvalidArgument, NotFound,
// AlreadyExists, PermissionDenied, FailedPrecondition, OutOfRange, Unimplemented,
// Unauthenticated, and a Canceled that is not the caller's doing, are answers:
// they are not retried, are no failures to a circuit breaker, and come out marked
// with policy.Permanent. All others are failures. A RetryInfo in the details of an error is honoured as the time to
// come back.
//
// A call is attempted again where that is safe: its method is declared idempotent
// (the option idempotency_level in the proto file; see [Repeat]), or it was not
// sent, because there was no connection or a limiter of ours turned it away.
//
// Errors come out with the status that they came with, and with one where clad
// stopped the call; see [Status]. What policy has errors for is found in them.
//
// A stream is guarded while it is opened; what happens on it afterwards is not
// retried and says nothing to a breaker. The policy's timeouts bound the stream
// as a whole, as deadlines do in gRPC: choose a policy without for streams that
// stay open.
//
// # Servers
//
// [UnaryServer] and [StreamServer] limit and time-bound what comes in, and give
// clad's errors from within the handlers their status.
package cladgrpc
