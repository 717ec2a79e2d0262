package cladgrpc_test

import (
	"context"
	"slices"
	"testing"

	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A call that is not safe to repeat could not be tried again, or was carried out
// twice.
func TestACallWithAKeyIsCarriedOutOnce(t *testing.T) {
	keyed := atOnce(3)
	keyed.IdempotencyKey = "X-Charge-Key"
	for name, c := range map[string]struct {
		key    string // the caller's
		policy policy.Retry
		want   int // calls
	}{
		"generated":                {"", keyed, 3},
		"the caller's key is kept": {"order-7", keyed, 3},
		"the policy wants none":    {"", atOnce(3), 1},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []string
			s := &shop{unary: func(ctx context.Context, text string) (string, error) {
				seen = append(seen, metadata.ValueFromIncomingContext(ctx, "x-charge-key")...)
				return "", status.Error(codes.Unavailable, "charged, and broke down")
			}}
			ctx := t.Context()
			if c.key != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, "x-charge-key", c.key)
			}
			cc := s.client(t, runner(t, c.policy))
			for range 2 { // operations
				_, _ = call(ctx, cc, pay)
			}
			if calls := int(s.calls.Load()); calls != 2*c.want {
				t.Errorf("called %d times, want %d", calls, 2*c.want)
			}
			keys := slices.Compact(slices.Clone(seen))
			switch {
			case c.policy.IdempotencyKey == "" && len(seen) != 0,
				c.policy.IdempotencyKey != "" && len(seen) != 2*c.want,
				c.key != "" && !slices.Equal(keys, []string{c.key}),
				c.key == "" && c.policy.IdempotencyKey != "" && len(keys) != 2:
				t.Errorf("the calls bear the keys %q", seen)
			}
		})
	}
}
