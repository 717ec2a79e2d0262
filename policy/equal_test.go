package policy_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// Back-offs of others, none of which Equal may stumble over.
type (
	sliceBackoff  struct{ delays []time.Duration }
	anyBackoff    struct{ v any }
	funcBackoff   func(int) time.Duration
	mapBackoff    map[int]time.Duration
	arrayBackoff  [2]any
	nestedBackoff struct{ inner policy.Backoff }
)

func (sliceBackoff) Delay(int) time.Duration    { return 0 }
func (anyBackoff) Delay(int) time.Duration      { return 0 }
func (f funcBackoff) Delay(n int) time.Duration { return f(n) }
func (m mapBackoff) Delay(n int) time.Duration  { return m[n] }
func (arrayBackoff) Delay(int) time.Duration    { return 0 }
func (nestedBackoff) Delay(int) time.Duration   { return 0 }
func with(b policy.Backoff) policy.Policy       { return policy.Retry{Backoff: b} }
func anyError(error) bool                       { return true }
func noError(error) bool                        { return false }
func asking(worth *bool) func(error) bool       { return func(error) bool { return *worth } }
func retryIf(f func(error) bool) policy.Policy  { return policy.Retry{RetryIf: f} }
func combined(p ...policy.Policy) policy.Policy { return policy.Combine(p...) }

func TestEqual(t *testing.T) {
	var yes, no bool
	closure := asking(&yes)
	shared := &policy.Exponential{Initial: 1}
	for _, tt := range []struct {
		name string
		a, b policy.Policy
		want bool
	}{
		{"nil and nil", nil, nil, true},
		{"nil and None", nil, policy.None{}, true},
		{"None and None", policy.None{}, policy.None{}, true},
		{"None and a Combine of nothing", policy.None{}, combined(), true},
		{"nil and a layer", nil, retry, false},
		{"nil and a Combine", nil, combined(retry, breaker), false},
		{"None and a layer", policy.None{}, breaker, false},

		{"equal timeouts", policy.Timeout(1), policy.Timeout(1), true},
		{"unequal timeouts", policy.Timeout(1), policy.Timeout(2), false},
		{"equal breakers", policy.CircuitBreaker{Window: 1}, policy.CircuitBreaker{Window: 1}, true},
		{"unequal breakers", policy.CircuitBreaker{Window: 1}, policy.CircuitBreaker{}, false},
		{"breakers of two names", policy.CircuitBreaker{Name: "a"}, policy.CircuitBreaker{Name: "b"}, false},
		{"equal limits", limit, limit, true},
		{"unequal limits", limit, policy.RateLimit{RequestsPerSecond: 1}, false},
		{"two kinds", limit, breaker, false},
		{"retry and another kind", retry, breaker, false},
		{"another kind and retry", breaker, retry, false},

		{"equal retries", policy.Retry{MaxAttempts: 2, MaxElapsed: 3}, policy.Retry{MaxAttempts: 2, MaxElapsed: 3}, true},
		{"attempts", policy.Retry{MaxAttempts: 2}, policy.Retry{MaxAttempts: 3}, false},
		{"budgets", policy.Retry{Budget: 0.1}, policy.Retry{Budget: 0.2}, false},
		{"keys", policy.Retry{IdempotencyKey: "A"}, policy.Retry{IdempotencyKey: "B"}, false},
		{"elapsed", policy.Retry{MaxElapsed: 2}, policy.Retry{MaxElapsed: 3}, false},
		{"the same function", retryIf(anyError), retryIf(anyError), true},
		{"two functions", retryIf(anyError), retryIf(noError), false},
		{"a function and none", retryIf(anyError), retryIf(nil), false},
		{"the same closure", retryIf(closure), retryIf(closure), true},
		{"two closures of one code", retryIf(asking(&yes)), retryIf(asking(&no)), false},

		{"equal back-offs", with(policy.Fixed(1)), with(policy.Fixed(1)), true},
		{"unequal back-offs", with(policy.Fixed(1)), with(policy.Fixed(2)), false},
		{"equal linear", with(policy.Linear{Initial: 1}), with(policy.Linear{Initial: 1}), true},
		{"equal exponential", with(policy.Exponential{Initial: 1}), with(policy.Exponential{Initial: 1}), true},
		{"unequal exponential", with(policy.Exponential{Initial: 1}), with(policy.Exponential{Initial: 1, Jitter: true}), false},
		{"two kinds of back-off", with(policy.Fixed(1)), with(policy.Linear{Initial: 1}), false},
		{"a back-off and none", with(policy.Fixed(0)), with(nil), false},
		{"none and a back-off", with(nil), with(policy.Fixed(0)), false},
		{"one pointer", with(shared), with(shared), true},
		{"a pointer and its value", with(shared), with(*shared), false},

		{"equal combinations", combined(total, retry, attempt), combined(total, retry, attempt), true},
		{"however nested", combined(total, combined(retry, attempt)), combined(combined(total, retry), attempt), true},
		{"another order", combined(retry, breaker), combined(breaker, retry), false},
		{"one layer more", combined(retry, breaker), combined(retry, breaker, attempt), false},
		{"one layer else", combined(retry, breaker), combined(retry, limit), false},
		{"combination and layer", combined(retry, breaker), retry, false},
		{"layer and combination", breaker, combined(retry, breaker), false},

		{"own comparable back-off", with(anyBackoff{1}), with(anyBackoff{1}), true},
		{"own comparable back-off, other value", with(anyBackoff{1}), with(anyBackoff{2}), false},
		{"own nested back-off", with(nestedBackoff{policy.Fixed(1)}), with(nestedBackoff{policy.Fixed(1)}), true},
		{"what can't be compared is equal to nothing", with(sliceBackoff{}), with(sliceBackoff{}), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := policy.Equal(tt.a, tt.b); got != tt.want {
				t.Errorf("Equal(%v, %v) = %v", tt.a, tt.b, got)
			}
			if got := policy.Equal(tt.b, tt.a); got != tt.want {
				t.Errorf("the other way round: Equal(%v, %v) = %v", tt.b, tt.a, got)
			}
		})
	}
}

// A back-off of somebody else's may hold what Go's == panics at, openly or
// behind an interface. A policy with one is looked up at every call.
func TestEqualNeverPanics(t *testing.T) {
	odd := []policy.Backoff{
		nil, policy.Fixed(1), policy.Linear{}, policy.Exponential{}, &policy.Exponential{}, (*policy.Exponential)(nil),
		sliceBackoff{}, sliceBackoff{[]time.Duration{1}},
		anyBackoff{}, anyBackoff{1}, anyBackoff{[]int{1}}, anyBackoff{map[string]int{}}, anyBackoff{func() {}}, anyBackoff{struct{ v any }{[]int{}}},
		funcBackoff(func(int) time.Duration { return 0 }), funcBackoff(nil),
		mapBackoff{}, mapBackoff(nil),
		arrayBackoff{1, []int{}}, arrayBackoff{1, 2}, arrayBackoff{[]int{}, 2},
		nestedBackoff{}, nestedBackoff{sliceBackoff{}}, nestedBackoff{nestedBackoff{policy.Fixed(1)}}, nestedBackoff{nestedBackoff{mapBackoff{}}},
	}
	for i, a := range odd {
		for j, b := range odd {
			t.Run(fmt.Sprintf("%T and %T", a, b), func(t *testing.T) {
				if policy.Equal(with(a), with(b)) && i != j {
					t.Errorf("%#v and %#v are called equal", a, b)
				}
				policy.Equal(combined(with(a), breaker), combined(with(b), breaker))
			})
		}
	}
}

// Policies are built anew at each call and looked up by Equal: it is on the hot path.
func TestEqualDoesNotAllocate(t *testing.T) {
	a := combined(total, policy.Retry{Backoff: policy.DefaultBackoff(), RetryIf: anyError}, limit, breaker, attempt)
	b := combined(total, policy.Retry{Backoff: policy.DefaultBackoff(), RetryIf: anyError}, limit, breaker, attempt)
	equal := true
	if n := testing.AllocsPerRun(100, func() { equal = equal && policy.Equal(a, b) }); n != 0 || !equal {
		t.Errorf("%v allocations, equal: %v", n, equal)
	}
}
