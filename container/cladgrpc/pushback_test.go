package cladgrpc_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// pushingBack is a shop that refuses the first n calls and says when to come back.
func pushingBack(n int32, said ...string) *shop {
	s := refusing(n, status.Error(codes.Unavailable, "busy"))
	answer := s.unary
	s.unary = func(ctx context.Context, text string) (string, error) {
		if s.calls.Load() <= n {
			if err := grpc.SetTrailer(ctx, metadata.MD{"grpc-retry-pushback-ms": said}); err != nil {
				return "", err
			}
		}
		return answer(ctx, text)
	}
	return s
}

// The trailer was not looked at.
func TestPushbackIsWaitedFor(t *testing.T) {
	s := pushingBack(1, "100")
	start := time.Now()
	if _, err := call(t.Context(), s.client(t, runner(t, atOnce(2))), find); err != nil || s.calls.Load() != 2 {
		t.Errorf("called %d times: %v", s.calls.Load(), err)
	}
	if took := time.Since(start); took < 100*time.Millisecond {
		t.Errorf("waited %v", took)
	}
	_, err := call(t.Context(), pushingBack(1, "100").client(t, runner(t, policy.CircuitBreaker{})), find)
	if after, _ := policy.RetryAfter(err); after != 100*time.Millisecond || status.Code(err) != codes.Unavailable {
		t.Errorf("the caller hears of %v: %v", after, err)
	}
}

func TestPushbackForbidsToComeBack(t *testing.T) {
	for _, said := range [][]string{{"-1"}, {"-9223372036854775809"}, {"soon"}, {""}, {"1.5"}, {"1", "1"}} {
		s := pushingBack(9, said...)
		r, totals := counted(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
		_, err := call(t.Context(), s.client(t, r), find)
		if status.Code(err) != codes.Unavailable || errors.Is(err, policy.ErrRetriesExhausted) || errors.Unwrap(err) != nil {
			t.Errorf("%q: %v", said, err)
		}
		if got := totals(); s.calls.Load() != 1 || got.CircuitBreakerTrips != 1 {
			t.Errorf("%q: called %d times, counted %+v", said, s.calls.Load(), got)
		}
	}
}

// A server cannot make a caller wait for longer than the policy allows.
func TestPushbackIsBounded(t *testing.T) {
	for said, want := range map[string]time.Duration{"86400000": 24 * time.Hour, "9223372036854775807": 1<<63 - 1 - (1<<63-1)%time.Millisecond} {
		s := pushingBack(9, said)
		_, err := call(t.Context(), s.client(t, runner(t, atOnce(3))), find)
		if s.calls.Load() != 1 || !errors.Is(err, policy.ErrRetriesExhausted) || status.Code(err) != codes.Unavailable {
			t.Errorf("called %d times: %v", s.calls.Load(), err)
		}
		if after, _ := policy.RetryAfter(err); after != want {
			t.Errorf("the caller hears of %v", after)
		}
	}
}
