package cladgrpc

import (
	"math"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// pushback is the trailer by which a server says when to come back, in
// milliseconds, or, by a number below zero or none at all, not to.
const pushback = "grpc-retry-pushback-ms"

// comeBack returns what a server says of another attempt: after how long, or
// never; by the trailer of the protocol, or else by a RetryInfo.
func comeBack(s *status.Status, trailer metadata.MD) (after time.Duration, never bool) {
	if said := trailer.Get(pushback); len(said) > 0 {
		ms, err := strconv.ParseInt(said[0], 10, 64)
		if err != nil || ms < 0 || len(said) > 1 {
			return 0, true
		}
		return time.Duration(min(ms, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond, false
	}
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return max(0, info.GetRetryDelay().AsDuration()), false
		}
	}
	return 0, false
}
