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
// unary calls and NewStream for streams; the full name of a procedure,
// "/shop.Orders/Get", chooses one for that alone, which is carried out to the
// letter. Without tags, [UnaryClient] and [StreamClient] take a runner of an
// orchestrator.
//
// The code of an error says what it means. InvalidArgument, NotFound,
// AlreadyExists, PermissionDenied, FailedPrecondition, Aborted, OutOfRange,
// Unimplemented and Unauthenticated are answers: they are not retried, and
// successes to a circuit breaker. What failed on this side, a message that does
// not marshal or is above a limit, is refused: it is not retried, and says nothing
// to a breaker. All others are failures, a Canceled and a DeadlineExceeded that
// are not the caller's among them; DataLoss alone is not retried. Where a server
// says when to come back, by the trailer grpc-retry-pushback-ms or by a RetryInfo
// in the details of its error, that is honoured, and so is that it wants no more.
//
// A call is attempted again where that is safe: its method is declared idempotent
// (the option idempotency_level in the proto file; see [Repeat]), its attempts bear
// a key (policy.Retry.IdempotencyKey), or it was not sent,
// because there was no connection or a limiter of ours turned it away.
//
// What is hedged, where the policy of a tagged connection says so: unary calls whose
// method is declared without side effects (idempotency_level = NO_SIDE_EFFECTS). Each
// attempt sends a copy of the request and has a reply of its own, as well as what the
// options Header, Trailer, Peer and OnFinish ask for; the caller gets those of the
// attempt that counts. So messages must be protobuf's, and a call with options that are
// not of package grpc is not hedged: interceptors that read them may write to what its
// caller shares. Streams and merely idempotent calls are not either.
//
// Errors come out as they were where nothing was stopped, and with a status where
// clad stopped the call; see [Status]. What policy has errors for is found in them.
//
// A stream is retried while it is opened, and judged by its first message, or by
// its end where that comes first. The policy's timeouts bound the stream as a
// whole, as deadlines do in gRPC: choose a policy without for streams that stay
// open.
//
// A connection that is lost fails all calls under way on it, and others until
// gRPC is connected again. To a breaker that is one failure, for up to four
// seconds.
//
// # Servers
//
// [UnaryFromCaller] and [StreamFromCaller] have a handler leave retries to a caller
// that retries: clients of this package say so, unless they are [Silent].
// [UnaryServer] and [StreamServer] limit and time-bound what comes in, and give
// clad's errors from within the handlers their status.
package cladgrpc
