package policy_test

import (
	"context"
	"testing"

	"github.com/cladgo/clad/policy"
)

func TestCallsAreEssentialUnlessSomebodySaysOtherwise(t *testing.T) {
	want := func(ctx context.Context, c policy.Criticality) {
		t.Helper()
		if got := policy.CriticalityOf(ctx); got != c {
			t.Errorf("got %v, want %v", got, c)
		}
	}
	ctx := t.Context()
	want(ctx, policy.Essential)
	shed := policy.WithCriticality(ctx, policy.Sheddable)
	want(shed, policy.Sheddable)
	want(policy.WithCriticality(shed, policy.Essential), policy.Essential)
	for c, text := range map[policy.Criticality]string{policy.Essential: "essential", policy.Sheddable: "sheddable", 7: "Criticality(7)"} {
		if c.String() != text {
			t.Errorf("%s: %s", text, c)
		}
	}
}

// weighed is an operation that says what it is worth, and tells what it is run as.
type weighed struct {
	critical bool
	as       *policy.Criticality
}

func (weighed) OperationID() string             { return "weighed" }
func (weighed) ResiliencePolicy() policy.Policy { return policy.None{} }
func (w weighed) IsCritical() bool              { return w.critical }
func (w weighed) Execute(ctx context.Context) (int, error) {
	*w.as = policy.CriticalityOf(ctx)
	return 0, nil
}

// An operation may be worth less than its context, never more: else whoever wants
// to be served first says so.
func TestAnOperationSaysWhatItIsWorth(t *testing.T) {
	for _, tt := range []struct {
		critical   bool
		within, as policy.Criticality
	}{
		{true, policy.Essential, policy.Essential},
		{false, policy.Essential, policy.Sheddable},
		{true, policy.Sheddable, policy.Sheddable},
		{false, policy.Sheddable, policy.Sheddable},
	} {
		var as policy.Criticality
		if _, err := policy.Execute(policy.WithCriticality(t.Context(), tt.within), &fake{attempts: 1}, weighed{tt.critical, &as}); err != nil {
			t.Error(err)
		}
		if as != tt.as {
			t.Errorf("critical %v within %v: %v, want %v", tt.critical, tt.within, as, tt.as)
		}
	}
}
