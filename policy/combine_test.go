package policy_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

var (
	total   = policy.Timeout(15 * time.Second)
	retry   = policy.Retry{MaxAttempts: 4}
	breaker = policy.CircuitBreaker{FailureThreshold: 7}
	limit   = policy.RateLimit{RequestsPerSecond: 100}
	attempt = policy.Timeout(5 * time.Second)
)

func TestCombine(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   policy.Policy
		want []policy.Policy
	}{
		{"nothing", policy.Combine(), nil},
		{"nothing but None and nil", policy.Combine(policy.None{}, nil, policy.Combine()), nil},
		{"one layer is that layer", policy.Combine(retry), []policy.Policy{retry}},
		{"None drops out", policy.Combine(policy.None{}, retry, nil, policy.None{}), []policy.Policy{retry}},
		{"the first is the outermost", policy.Combine(retry, breaker, limit, attempt), []policy.Policy{retry, breaker, limit, attempt}},
		{"a kind may stand twice", policy.Combine(total, retry, attempt), []policy.Policy{total, retry, attempt}},
		{"equal layers are all kept", policy.Combine(retry, retry), []policy.Policy{retry, retry}},
		{
			"nested ones flatten in place",
			policy.Combine(total, policy.Combine(retry, policy.Combine(breaker, policy.None{}), limit), attempt),
			[]policy.Policy{total, retry, breaker, limit, attempt},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := policy.Layers(tt.in); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("layers are %v, want %v", got, tt.want)
			}
		})
	}
}

func TestCombineOfNothingIsNone(t *testing.T) {
	for _, p := range []policy.Policy{policy.Combine(), policy.Combine(nil), policy.Combine(policy.None{}, policy.Combine())} {
		if p != policy.Policy(policy.None{}) {
			t.Errorf("got %#v, want None", p)
		}
	}
}

func TestCombineOfOneLayerIsThatLayer(t *testing.T) {
	for _, layer := range []policy.Policy{breaker, limit, total} {
		if got := policy.Combine(policy.None{}, layer); got != layer {
			t.Errorf("got %#v, want %#v itself", got, layer)
		}
	}
}

func TestLayersOfNilAreNone(t *testing.T) {
	if got := policy.Layers(nil); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

// A policy is a value that is shared: what one reader does to the slice of its
// layers must not reach the policy or another reader.
func TestLayersAreTheCallersOwn(t *testing.T) {
	p := policy.Combine(retry, breaker)
	first := policy.Layers(p)
	first[0] = policy.None{}
	_ = append(first[:1], limit)
	if got := policy.Layers(p); !reflect.DeepEqual(got, []policy.Policy{retry, breaker}) {
		t.Errorf("the policy changed to %v", got)
	}
}

func TestCombineKeepsNoHoldOfItsArguments(t *testing.T) {
	layers := []policy.Policy{retry, breaker}
	p := policy.Combine(layers...)
	layers[0] = limit
	if got := policy.Layers(p); !reflect.DeepEqual(got, []policy.Policy{retry, breaker}) {
		t.Errorf("the policy changed to %v", got)
	}
}

// Two policies that grow from a common part must not write into each other.
func TestCombineFromACommonPart(t *testing.T) {
	common := policy.Combine(total, retry)
	a := policy.Combine(common, breaker)
	b := policy.Combine(common, limit)
	if got, want := a.String(), policy.Combine(total, retry, breaker).String(); got != want {
		t.Errorf("a is %s, want %s", got, want)
	}
	if got, want := b.String(), policy.Combine(total, retry, limit).String(); got != want {
		t.Errorf("b is %s, want %s", got, want)
	}
}

func TestString(t *testing.T) {
	for _, tt := range []struct {
		p    policy.Policy
		want string
	}{
		{policy.None{}, "none"},
		{policy.Combine(), "none"},
		{policy.Timeout(1500 * time.Millisecond), "timeout(1.5s)"},
		{policy.Retry{}, "retry(3 attempts, exponential 100ms × 2 ≤ 30s ±50%)"},
		{policy.Retry{Budget: 0.125, IdempotencyKey: "X-Key"}, "retry(3 attempts, exponential 100ms × 2 ≤ 30s ±50%, budget 12.5%, key in X-Key)"},
		{policy.Retry{MaxAttempts: 1, Backoff: policy.Fixed(time.Second)}, "retry(1 attempt)"},
		{
			policy.Retry{MaxAttempts: 5, Backoff: policy.Linear{Initial: time.Second, Increment: 2 * time.Second, Max: time.Minute}, MaxElapsed: time.Hour},
			"retry(5 attempts, linear 1s + 2s ≤ 1m0s, within 1h0m0s)",
		},
		{
			policy.Retry{Backoff: policy.Exponential{Initial: time.Second}, RetryIf: func(error) bool { return true }},
			"retry(3 attempts, exponential 1s × 2, custom RetryIf)",
		},
		{policy.RateLimit{RequestsPerPeriod: 600, Per: time.Minute, MaxWait: time.Second}, "rate_limit(600 in any 1m0s, wait 1s)"},
		{
			policy.CircuitBreaker{SlowCall: time.Second, RecoveryJitter: 0.2, Ramp: time.Minute},
			"circuit_breaker(5 failures in a row, 50% of at least 20 in 10s slower than 1s, open 500ms to 30s and up to 20% longer, 3 probes of 30s, ramp of 1m0s)",
		},
		{policy.AdaptiveLimit{Max: 9, MaxWait: time.Second}, "adaptive_limit(1 to 9 at once, 9 at first, wait 1s)"},
		{policy.CircuitBreaker{}, "circuit_breaker(5 failures in a row, open 500ms to 30s, 3 probes of 30s)"},
		{policy.CircuitBreaker{Name: "bank"}, "circuit_breaker(bank)"},
		{
			policy.CircuitBreaker{Name: "bank", FailureThreshold: 2, RecoveryTimeout: time.Minute},
			"circuit_breaker(bank, 2 failures in a row, open 1m0s, 3 probes of 30s)",
		},
		{
			policy.CircuitBreaker{FailureThreshold: 4, FailureRate: 0.25, Window: 10 * time.Second, SuccessThreshold: 1, ProbeTimeout: time.Second},
			"circuit_breaker(4 failures in 10s, 25% of at least 20 in 10s, open 500ms to 30s, 1 probes of 1s)",
		},
		{
			policy.CircuitBreaker{FailureRate: 0.5, MinRequests: 8, Window: 10 * time.Second},
			"circuit_breaker(50% of at least 8 in 10s, open 500ms to 30s, 3 probes of 30s)",
		},
		{policy.RateLimit{RequestsPerSecond: 100}, "rate_limit(100/s, burst 25)"},
		{policy.RateLimit{Name: "api"}, "rate_limit(api)"},
		{policy.RateLimit{Name: "api", RequestsPerSecond: 0.5, Burst: 3, MaxWait: time.Second}, "rate_limit(api, 0.5/s, burst 3, wait 1s)"},
		{
			policy.Combine(total, policy.Retry{Backoff: policy.Fixed(0)}, policy.RateLimit{Name: "api"}, policy.CircuitBreaker{Name: "bank"}, attempt),
			"timeout(15s) > retry(3 attempts, fixed 0s) > rate_limit(api) > circuit_breaker(bank) > timeout(5s)",
		},
	} {
		if got := tt.p.String(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestStateString(t *testing.T) {
	for state, want := range map[policy.State]string{
		policy.StateClosed:   "closed",
		policy.StateHalfOpen: "half-open",
		policy.StateOpen:     "open",
		policy.State(7):      "State(7)",
	} {
		if got := state.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
