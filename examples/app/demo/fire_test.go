package demo_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cladgo/clad/examples/app/demo"
	"github.com/cladgo/clad/policy"
)

const budget = "CLAD__POLICIES__EXTERNAL_API__RETRY__BUDGET=0.2"

func TestFireGoesAsTold(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := demo.PlayFire(t.Context(), stage(t, func(policy.Catalog) {}, budget), demo.Table{Out: &out})
	if err != nil || strings.Contains(out.String(), "otherwise") || strings.Count(out.String(), "\nok ") != 7 {
		t.Errorf("%v\n%s", err, &out)
	}
	t.Log(&out)
}

// changed returns a change of the layers of external_api.
func changed(change func(policy.Policy) policy.Policy) func(policy.Catalog) {
	return func(c policy.Catalog) {
		layers := policy.Layers(c.Policies["external_api"])
		for i := range layers {
			layers[i] = change(layers[i])
		}
		c.Policies["external_api"] = policy.Combine(layers...)
	}
}

// Without the protection that it is about, the story must not go as told.
func TestFireThatGoesOtherwiseIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		change func(policy.Catalog)
		want   string
	}{
		"without a budget": {changed(func(p policy.Policy) policy.Policy {
			if r, ok := p.(policy.Retry); ok {
				r.Budget = 0
				return r
			}
			return p
		}), "not so: no more than the budget"},
		"without a reserve": {changed(func(p policy.Policy) policy.Policy {
			if b, ok := p.(policy.Bulkhead); ok {
				b.Reserve = 0
				return b
			}
			return p
		}), "not so: 40 are at the bank"},
		"without a breaker": {changed(func(p policy.Policy) policy.Policy {
			if _, ok := p.(policy.CircuitBreaker); ok {
				return policy.CircuitBreaker{FailureThreshold: 1000}
			}
			return p
		}), "not so: three requests, and an open breaker"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := demo.PlayFire(t.Context(), stage(t, test.change, budget), demo.Table{Out: &out})
			if err == nil || !strings.Contains(err.Error(), "otherwise than told") || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v\n%s", err, &out)
			}
		})
	}
}
