package cladgrpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladgrpc"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// What may be shed is so for the server as well, under a policy and under none; and
// nobody makes a call worth more.
func TestCriticalityTravels(t *testing.T) {
	as := func(c policy.Criticality) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context { return policy.WithCriticality(ctx, c) }
	}
	saying := func(values ...string) func(context.Context) context.Context {
		return func(ctx context.Context) context.Context {
			return metadata.NewOutgoingContext(ctx, metadata.MD{"clad-criticality": values})
		}
	}
	for name, tt := range map[string]struct {
		ctx    func(context.Context) context.Context
		layers []policy.Policy
		opts   []cladgrpc.Option
		want   policy.Criticality
	}{
		"sheddable":            {as(policy.Sheddable), []policy.Policy{atOnce(2)}, nil, policy.Sheddable},
		"sheddable, no policy": {as(policy.Sheddable), nil, nil, policy.Sheddable},
		"silent":               {as(policy.Sheddable), nil, []cladgrpc.Option{cladgrpc.Silent()}, policy.Essential},
		"essential":            {as(policy.Essential), []policy.Policy{atOnce(2)}, nil, policy.Essential},
		"nothing said":         {as(policy.Essential), nil, nil, policy.Essential},
		"by another client":    {saying("sheddable"), nil, nil, policy.Sheddable},
		"what there is not":    {saying("most critical"), nil, nil, policy.Essential},
		"twice":                {saying("sheddable", "essential"), nil, nil, policy.Essential},
	} {
		unary, stream := policy.Criticality(255), policy.Criticality(255)
		s := &shop{
			unary: func(ctx context.Context, text string) (string, error) {
				unary = policy.CriticalityOf(ctx)
				return text, nil
			},
			stream: func(s grpc.ServerStream) error { stream = policy.CriticalityOf(s.Context()); return nil },
		}
		cc := s.serve(t, []grpc.ServerOption{
			grpc.ChainUnaryInterceptor(cladgrpc.UnaryFromCaller()), grpc.ChainStreamInterceptor(cladgrpc.StreamFromCaller()),
		}, grpc.WithChainUnaryInterceptor(cladgrpc.UnaryClient(runner(t, tt.layers...), tt.opts...)),
			grpc.WithChainStreamInterceptor(cladgrpc.StreamClient(runner(t, tt.layers...), tt.opts...)))
		ctx, cancel := context.WithTimeout(tt.ctx(t.Context()), time.Minute)
		if _, err := call(ctx, cc, find); err != nil {
			t.Error(err)
		}
		st, err := open(ctx, cc, chat)
		if err != nil {
			t.Fatal(err)
		}
		receive(t, st)
		cancel()
		if unary != tt.want || stream != tt.want {
			t.Errorf("%s: %v, and %v within a stream, want %v", name, unary, stream, tt.want)
		}
	}
}
