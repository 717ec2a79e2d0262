package cladgrpc_test

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The retries of a connection went on as its server asked for none.
func TestRetriesAreThrottledAsGRPCDoes(t *testing.T) {
	s := refusing(4, status.Error(codes.Unavailable, "busy"))
	cc := s.client(t, runner(t, atOnce(3)), cladgrpc.RetryThrottling(6, 0.5))
	for n, want := range []struct {
		calls int32 // so far
		ok    bool
	}{
		{3, false},                      // 6 tokens, 5, 4, 3: the third attempt was the last anyway
		{4, false},                      // 2
		{5, true}, {6, true}, {7, true}, // 2.5, 3, 3.5
		{8, true}, {9, true}, {10, true}, // 4, 4.5, 5
		{11, true}, {12, true}, {13, true}, // 6, and no more than that
	} {
		_, err := call(t.Context(), cc, find)
		if calls := s.calls.Load(); calls != want.calls || (err == nil) != want.ok {
			t.Errorf("call %d: the server was called %d times: %v; want %d", n+1, calls, err, want.calls)
		}
		if n == 1 && (errors.Is(err, policy.ErrRetriesExhausted) || status.Code(err) != codes.Unavailable) {
			t.Errorf("a throttled retry ends with %v, want what the server said", err)
		}
	}
}

// What the server answers says nothing of its load.
func TestAnswersTakeNoTokens(t *testing.T) {
	s := &shop{}
	s.unary = func(context.Context, string) (string, error) {
		if s.calls.Load() <= 20 {
			return "", status.Error(codes.NotFound, "no")
		}
		return "", status.Error(codes.Unavailable, "busy")
	}
	cc := s.client(t, runner(t, atOnce(3)), cladgrpc.RetryThrottling(4, 0.1))
	for range 21 {
		_, _ = call(t.Context(), cc, find)
	}
	if calls := s.calls.Load(); calls != 22 { // the last has one retry: 4 tokens, 3, and at 2 no more
		t.Errorf("the server was called %d times", calls)
	}
}

func TestThrottlingThatGRPCRefusesIsRefused(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {-1, 1}, {1001, 1}, {math.NaN(), 1}, {10, 0}, {10, -1}, {10, math.NaN()}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was taken", c)
				}
			}()
			cladgrpc.RetryThrottling(c[0], c[1])
		}()
	}
}
