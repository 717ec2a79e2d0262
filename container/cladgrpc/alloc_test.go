package cladgrpc_test

import (
	"context"
	"testing"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

type ofCaller struct{}

// What became of an attempt takes what gRPC writes that to, and a function that it
// calls at the end. What a server is told of retries takes one more: a context, and
// no map where the call bears no metadata else.
func TestAllocationsOfAGuardedCall(t *testing.T) {
	for _, tt := range []struct {
		method string
		layers []policy.Policy
		left   string
		want   float64
	}{
		{pay, nil, "", 0},
		{pay, []policy.Policy{atOnce(3), policy.CircuitBreaker{}}, "", 2},
		{find, []policy.Policy{atOnce(3), policy.CircuitBreaker{}}, "2", 2 + 1},
	} {
		intercept := cladgrpc.UnaryClient(runner(t, tt.layers...))
		var heard context.Context
		invoke := func(ctx context.Context, _ string, _, _ any, _ *grpc.ClientConn, _ ...grpc.CallOption) error {
			heard = ctx
			return nil
		}
		ctx := context.WithValue(t.Context(), ofCaller{}, "kept")
		once := func() {
			if err := intercept(ctx, tt.method, nil, nil, nil, invoke); err != nil {
				t.Fatal(err)
			}
		}
		once()
		sent, _ := metadata.FromOutgoingContext(heard)
		var left string
		if said := sent.Get("clad-retries-left"); len(said) == 1 {
			left = said[0]
		}
		if left != tt.left || heard.Value(ofCaller{}) != "kept" {
			t.Errorf("%s: %q retries left, want %q; the caller's value: %v", tt.method, left, tt.left, heard.Value(ofCaller{}))
		}
		if n := testing.AllocsPerRun(200, once); n != tt.want && !raceEnabled {
			t.Errorf("%s under %v: %v allocations, want %v", tt.method, policy.Combine(tt.layers...), n, tt.want)
		}
	}
}
