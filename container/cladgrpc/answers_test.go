package cladgrpc_test

import (
	"context"
	"testing"

	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A server of which nearly everything that it is asked for is not there was taken for
// one that is down, since the answers counted for nothing.
func TestAServerOfAnswersIsWell(t *testing.T) {
	s := &shop{unary: func(ctx context.Context, _ string) (string, error) {
		if len(metadata.ValueFromIncomingContext(ctx, "fail")) > 0 {
			return "", status.Error(codes.Internal, "broken")
		}
		return "", status.Error(codes.NotFound, "none")
	}}
	for name, breaker := range answertest.Breakers {
		t.Run(name, func(t *testing.T) {
			restartable(t, s, []policy.Policy{breaker}, func(t *testing.T, i *instance, cc *grpc.ClientConn, totals func() policy.Totals) {
				i.start()
				err := answertest.Dependency{
					Ask: func(fails bool) error {
						ctx := t.Context()
						if fails {
							ctx = metadata.AppendToOutgoingContext(ctx, "fail", "yes")
						}
						_, err := call(ctx, cc, find)
						return err
					},
					Stop:   i.stop,
					Totals: totals,
				}.Check()
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}
