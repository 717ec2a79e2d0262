package cladgrpc

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// unreadable is what gRPC for Go says of a message that it cannot unmarshal: on
// either side, and as a server before 1.84.
var unreadable = []string{"grpc: failed to unmarshal the received message: ", "grpc: error unmarshalling request: "}

func isUnreadable(message string) bool {
	return slices.ContainsFunc(unreadable, func(says string) bool { return strings.HasPrefix(message, says) })
}

// evidence is what is known of an attempt beside its error.
type evidence struct {
	unsent   bool // gRPC is through with it, and never had a stream
	answered bool // the server refused it with its first word
}

// meaningOf says what an error means that came of an attempt in ctx: what its code
// means, unless more is known than that.
func (e evidence) meaningOf(ctx context.Context, err error) meaning {
	s, ok := status.FromError(err)
	if !ok || speaksForItself(err) {
		return meaning{}
	}
	switch code := s.Code(); code {
	case codes.Canceled, codes.DeadlineExceeded:
		if ctx.Err() != nil {
			return meaning{}
		}
		if errors.Is(err, grpc.ErrClientConnClosing) { //nolint:staticcheck // the code alone is that of others, too
			return meaning{verdict: policy.Refused}
		}
	case codes.Unavailable, codes.Unknown:
	default:
		switch {
		case e.unsent: // metadata, compression, credentials: they are ours
			return meaning{verdict: policy.Refused}
		case !e.answered || code != codes.Internal:
		case isUnreadable(s.Message()): // what we sent
			return meaning{verdict: policy.Answered}
		default: // whatever is wrong, it is not with what we sent
			return meaning{verdict: policy.Failed}
		}
	}
	m := verdict.Of(s.Err())
	return meaning{verdict: m.Verdict, final: m.Final}
}

// speaksForItself reports whether an error is one of clad's, or marked by
// somebody who knows.
func speaksForItself(err error) bool {
	return isClads(err) || policy.IsAnswer(err) || policy.IsPermanent(err)
}

func isClads(err error) bool {
	for _, target := range []error{policy.ErrCancelled, policy.ErrCircuitOpen, policy.ErrRateLimited, policy.ErrBulkheadFull, policy.ErrTimeout, policy.ErrRetriesExhausted} {
		if errors.Is(err, target) {
			return true
		}
	}
	var infrastructure *policy.InfrastructureError
	return errors.As(err, &infrastructure)
}
