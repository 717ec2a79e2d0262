package config_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

var (
	seconds = func(n int) policy.Timeout { return policy.Timeout(time.Duration(n) * time.Second) }
	retry   = func(attempts int) policy.Retry {
		return policy.Retry{MaxAttempts: attempts, Backoff: policy.DefaultBackoff()}
	}
	breaker = policy.CircuitBreaker{}.WithDefaults()
)

// The policy p of each profile.
func TestPolicies(t *testing.T) {
	for name, tt := range map[string]struct {
		base, profile string
		environ       []string
		want          policy.Policy
	}{
		"none": {profile: `policies: {p: none}`, want: policy.None{}},
		"layers nest in one order, however they are written": {
			profile: `
policies:
  p:
    attempt_timeout: 1s
    circuit_breaker: {}
    rate_limit: {requests_per_second: 8}
    retry: {}
    timeout: 9s`,
			want: policy.Combine(seconds(9), retry(3), policy.RateLimit{RequestsPerSecond: 8, Burst: 2}, breaker, seconds(1)),
		},
		"order nests otherwise": {
			profile: `policies: {p: {retry: 2, circuit_breaker: {}, timeout: 9s, order: [circuit_breaker, timeout, retry]}}`,
			want:    policy.Combine(breaker, seconds(9), retry(2)),
		},
		"a number is short for attempts": {profile: `policies: {p: {retry: 5}}`, want: retry(5)},
		"fixed back-off": {
			profile: `policies: {p: {retry: {backoff: {type: fixed, delay: 2s}}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(2 * time.Second)},
		},
		"fixed back-off by default": {
			profile: `policies: {p: {retry: {backoff: {type: fixed}}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(100 * time.Millisecond)},
		},
		"linear back-off": {
			profile: `policies: {p: {retry: {backoff: {type: linear, initial_delay: 1s, increment: 2s, max_delay: 0s}}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.Linear{Initial: time.Second, Increment: 2 * time.Second}},
		},
		"linear back-off by default": {
			profile: `policies: {p: {retry: {backoff: {type: linear}}}}`,
			want: policy.Retry{MaxAttempts: 3, Backoff: policy.Linear{
				Initial: 100 * time.Millisecond, Increment: 100 * time.Millisecond, Max: 30 * time.Second,
			}},
		},
		"exponential back-off": {
			profile: `policies: {p: {retry: {max_elapsed: 1m, backoff: {type: exponential, initial_delay: 1s, multiplier: 3, max_delay: 10s, jitter: false}}}}`,
			want: policy.Retry{MaxAttempts: 3, MaxElapsed: time.Minute, Backoff: policy.Exponential{
				Initial: time.Second, Multiplier: 3, Max: 10 * time.Second,
			}},
		},
		"a longest wait": {
			profile: `policies: {p: {retry: {max_wait: 5s, backoff: {type: fixed, delay: 1s}}}}`,
			want:    policy.Retry{MaxAttempts: 3, MaxWait: 5 * time.Second, Backoff: policy.Fixed(time.Second)},
		},
		"a budget and a key": {
			profile: `policies: {a: {retry: {idempotency_key: X-Key, budget: 0.5}}, p: {extends: a, retry: {budget: 0.25}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.DefaultBackoff(), Budget: 0.25, IdempotencyKey: "X-Key"},
		},
		"no key after all": {
			profile: `policies: {a: {retry: {idempotency_key: X-Key}}, p: {extends: a, retry: {idempotency_key: none}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.DefaultBackoff()},
		},
		"every setting of a circuit breaker": {
			profile: `
policies:
  p:
    circuit_breaker:
      failure_threshold: 7
      failure_rate: 0.25
      min_requests: 11
      window: 10s
      recovery_timeout: 20s
      max_recovery: 1m
      success_threshold: 2
      probe_timeout: 3s
      patience: 250ms`,
			want: policy.CircuitBreaker{
				FailureThreshold: 7, FailureRate: 0.25, MinRequests: 11, Window: 10 * time.Second,
				RecoveryTimeout: 20 * time.Second, MaxRecovery: time.Minute, SuccessThreshold: 2, ProbeTimeout: 3 * time.Second,
				Patience: 250 * time.Millisecond,
			},
		},
		"a rate alone leaves no rule of numbers": {
			profile: `policies: {p: {circuit_breaker: {failure_rate: 1, window: 1m}}}`,
			want:    policy.CircuitBreaker{FailureRate: 1, Window: time.Minute}.WithDefaults(),
		},
		"a recovery timeout that is written is kept to": {
			profile: `policies: {p: {circuit_breaker: {recovery_timeout: 7s}}}`,
			want:    policy.CircuitBreaker{RecoveryTimeout: 7 * time.Second, MaxRecovery: 7 * time.Second}.WithDefaults(),
		},
		"also if it is the default": {
			profile: `policies: {p: {circuit_breaker: {recovery_timeout: 1s}}}`,
			want:    policy.CircuitBreaker{RecoveryTimeout: time.Second, MaxRecovery: time.Second}.WithDefaults(),
		},
		"a recovery grows up to its maximum": {
			profile: `policies: {p: {circuit_breaker: {max_recovery: 5s}}}`,
			want:    policy.CircuitBreaker{RecoveryTimeout: 500 * time.Millisecond, MaxRecovery: 5 * time.Second}.WithDefaults(),
		},
		"every setting of a rate limit": {
			profile: `policies: {p: {rate_limit: {requests_per_second: 0.5, burst: 3, max_wait: 2s}}}`,
			want:    policy.RateLimit{RequestsPerSecond: 0.5, Burst: 3, MaxWait: 2 * time.Second},
		},
		"names refer": {
			profile: `
circuit_breakers: {b: {}}
rate_limiters: {l: {requests_per_second: 1}}
policies: {p: {circuit_breaker: b, rate_limit: {name: l}}}`,
			want: policy.Combine(policy.RateLimit{Name: "l"}, policy.CircuitBreaker{Name: "b"}),
		},
		"what is described with a name becomes a name": {
			profile: `
policies:
  p: {circuit_breaker: {name: b, failure_threshold: 9}, rate_limit: {name: l, requests_per_second: 1}}
  other: {circuit_breaker: b, rate_limit: l}`,
			want: policy.Combine(policy.RateLimit{Name: "l"}, policy.CircuitBreaker{Name: "b"}),
		},

		"the profile goes over the base, deeply": {
			base:    `policies: {p: {timeout: 9s, retry: {max_attempts: 2, backoff: {jitter: false, multiplier: 4}}}}`,
			profile: `policies: {p: {retry: {backoff: {multiplier: 5}}}}`,
			want: policy.Combine(seconds(9), policy.Retry{MaxAttempts: 2, Backoff: policy.Exponential{
				Initial: 100 * time.Millisecond, Multiplier: 5, Max: 30 * time.Second,
			}}),
		},
		"the short form keeps what the long one had": {
			base:    `policies: {p: {retry: {max_attempts: 2, max_elapsed: 4s}}}`,
			profile: `policies: {p: {retry: 5}}`,
			want:    policy.Retry{MaxAttempts: 5, MaxElapsed: 4 * time.Second, Backoff: policy.DefaultBackoff()},
		},
		"a list replaces": {
			base:    `policies: {p: {timeout: 9s, retry: 2, order: [retry, timeout]}}`,
			profile: `policies: {p: {order: [timeout, retry]}}`,
			want:    policy.Combine(seconds(9), retry(2)),
		},
		"none takes away": {
			base:    `policies: {p: {timeout: 9s, retry: 2, circuit_breaker: {}, rate_limit: {requests_per_second: 1}, attempt_timeout: 1s, order: [retry, timeout, rate_limit, circuit_breaker, attempt_timeout]}}`,
			profile: `policies: {p: {retry: none, circuit_breaker: none, rate_limit: none, attempt_timeout: none, order: none}}`,
			want:    seconds(9),
		},
		"none replaces a policy":    {base: `policies: {p: {retry: 3}}`, profile: `policies: {p: none}`, want: policy.None{}},
		"a policy replaces none":    {base: `policies: {p: none}`, profile: `policies: {p: {retry: 3}}`, want: retry(3)},
		"a name replaces a map":     {base: `policies: {p: {circuit_breaker: {}}}`, profile: `{circuit_breakers: {b: {}}, policies: {p: {circuit_breaker: b}}}`, want: policy.CircuitBreaker{Name: "b"}},
		"a map replaces a name":     {base: `{circuit_breakers: {b: {failure_threshold: 9}}, policies: {p: {circuit_breaker: b}}}`, profile: `policies: {p: {circuit_breaker: {success_threshold: 1}}}`, want: policy.CircuitBreaker{SuccessThreshold: 1}.WithDefaults()},
		"an empty map adds nothing": {base: `policies: {p: {retry: 3}}`, profile: `policies: {}`, want: retry(3)},
		"another type of back-off starts afresh": {
			base:    `policies: {p: {retry: {backoff: {type: exponential, multiplier: 4, max_delay: 1m}}}}`,
			profile: `policies: {p: {retry: {backoff: {type: fixed, delay: 1s}}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)},
		},
		"the same type of back-off merges": {
			base:    `policies: {p: {retry: {backoff: {multiplier: 4}}}}`,
			profile: `policies: {p: {retry: {backoff: {type: exponential, jitter: false}}}}`,
			want:    policy.Retry{MaxAttempts: 3, Backoff: policy.Exponential{Initial: 100 * time.Millisecond, Multiplier: 4, Max: 30 * time.Second}},
		},

		"extends merges deeply": {
			profile: `
policies:
  parent: {timeout: 9s, retry: {max_attempts: 3, max_elapsed: 4s}}
  p: {extends: parent, retry: 1, attempt_timeout: 2s}`,
			want: policy.Combine(seconds(9), policy.Retry{MaxAttempts: 1, MaxElapsed: 4 * time.Second, Backoff: policy.DefaultBackoff()}, seconds(2)),
		},
		"extends over generations, written in any order": {
			profile: `
policies:
  p: {extends: parent, timeout: 7s}
  parent: {extends: grandparent, retry: 2}
  grandparent: {timeout: 9s, attempt_timeout: 1s}`,
			want: policy.Combine(seconds(7), retry(2), seconds(1)),
		},
		"extends and none takes away": {
			profile: `
policies:
  parent: {timeout: 9s, retry: 3, order: [retry, timeout]}
  p: {extends: parent, retry: none, order: none}`,
			want: seconds(9),
		},
		"extends what protects nothing": {
			profile: `policies: {parent: none, p: {extends: parent}}`,
			want:    policy.None{},
		},
		"extends with an order of its own": {
			profile: `
policies:
  parent: {timeout: 9s, retry: 3}
  p: {extends: parent, order: [retry, timeout]}`,
			want: policy.Combine(retry(3), seconds(9)),
		},
		"the profile changes a parent of the base": {
			base:    `policies: {parent: {retry: 3}, p: {extends: parent, timeout: 9s}}`,
			profile: `policies: {parent: {retry: 4}}`,
			want:    policy.Combine(seconds(9), retry(4)),
		},
		"the profile gives another parent": {
			base:    `policies: {one: {retry: 3}, two: {retry: 5}, p: {extends: one, timeout: 9s}}`,
			profile: `policies: {p: {extends: two}}`,
			want:    policy.Combine(seconds(9), retry(5)),
		},
		"the profile disowns the parent": {
			base:    `policies: {parent: {retry: 3}, p: {extends: parent, timeout: 9s}}`,
			profile: `policies: {p: {extends: none}}`,
			want:    seconds(9),
		},

		"a variable goes over the files": {
			profile: `policies: {p: {retry: 3}}`,
			environ: []string{"CLAD__POLICIES__P__RETRY__MAX_ATTEMPTS=5"},
			want:    retry(5),
		},
		"anchors and merge keys": {
			profile: `
policies:
  one: &defaults {timeout: 9s, retry: &twice {max_attempts: 2}}
  two: &short {timeout: 1s, attempt_timeout: 1s}
  p: {<<: [*defaults, *short], attempt_timeout: 3s}
  three: {retry: *twice}`,
			want: policy.Combine(seconds(9), retry(2), seconds(3)),
		},
		"aliases for keys and in lists": {
			profile: `policies: {p: {&r retry: 2, timeout: 9s, order: [*r, timeout]}, other: {*r : 1}}`,
			want:    policy.Combine(retry(2), seconds(9)),
		},
		"JSON is YAML": {profile: `{"policies": {"p": {"timeout": "9s", "retry": 2}}}`, want: policy.Combine(seconds(9), retry(2))},
		"numbers in full": {
			profile: `policies: {p: {rate_limit: {requests_per_second: 1_000.50, burst: 1_000}}}`,
			want:    policy.RateLimit{RequestsPerSecond: 1000.5, Burst: 1000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := catalog(t, tt.base, tt.profile, tt.environ...).Policies["p"]
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %#v\nwant %#v", got, tt.want)
			}
		})
	}
}

func TestNamedThings(t *testing.T) {
	c := catalog(t, "", `
circuit_breakers:
  by-default: {}
  payment-service: {failure_threshold: 10, recovery_timeout: 30s, success_threshold: 3}
rate_limiters:
  api-calls: {requests_per_second: 1000, burst: 100}
policies:
  described: {circuit_breaker: {name: in-a-policy, failure_threshold: 2}, rate_limit: {name: limit, requests_per_second: 8}}
  heir: {extends: described, retry: 2}
`)
	wantBreakers := map[string]policy.CircuitBreaker{
		"by-default":      breaker,
		"payment-service": policy.CircuitBreaker{FailureThreshold: 10, RecoveryTimeout: 30 * time.Second, SuccessThreshold: 3}.WithDefaults(),
		"in-a-policy":     policy.CircuitBreaker{FailureThreshold: 2}.WithDefaults(),
	}
	if !reflect.DeepEqual(c.CircuitBreakers, wantBreakers) {
		t.Errorf("breakers: %v\nwant %v", c.CircuitBreakers, wantBreakers)
	}
	wantLimiters := map[string]policy.RateLimit{
		"api-calls": {RequestsPerSecond: 1000, Burst: 100},
		"limit":     {RequestsPerSecond: 8, Burst: 2},
	}
	if !reflect.DeepEqual(c.RateLimiters, wantLimiters) {
		t.Errorf("limiters: %v\nwant %v", c.RateLimiters, wantLimiters)
	}
}

func TestNoneProtectsNothingInEveryPlace(t *testing.T) {
	c := catalog(t, "", `
policies:
  cache: none
services:
  payments.Cache: {policy: none}
`)
	if got := c.Policies["cache"]; got != (policy.None{}) {
		t.Errorf("policy: %v", got)
	}
	if got := c.Services["payments.Cache"].Policy; got != "none" {
		t.Errorf("service: %q", got)
	}
}

// The reference says what an empty map means; package policy says what a zero
// value does. They must be the same.
func TestDefaultsAreThoseOfThePolicies(t *testing.T) {
	c := catalog(t, "", `policies: {r: {retry: {}}, b: {circuit_breaker: {}}}`)
	r := c.Policies["r"].(policy.Retry)
	if want := (policy.Retry{}).WithDefaults(); r.MaxAttempts != want.MaxAttempts || r.Backoff != want.Backoff || r.MaxElapsed != want.MaxElapsed {
		t.Errorf("retry: %v, want %v", r, want)
	}
	if got, want := c.Policies["b"], (policy.CircuitBreaker{}).WithDefaults(); got != want {
		t.Errorf("circuit breaker: %v, want %v", got, want)
	}
}

func TestEverythingMayBeLeftOut(t *testing.T) {
	c := catalog(t, "", `{}`)
	if len(c.Policies)+len(c.CircuitBreakers)+len(c.RateLimiters)+len(c.Services) != 0 {
		t.Errorf("got %v", c)
	}
}

func TestAMaximumBelowTheRecoveryTimeoutIsAMistake(t *testing.T) {
	for profile, want := range map[string]string{
		`circuit_breakers: {b: {recovery_timeout: 30s, max_recovery: 10s}}`: `max_recovery: 10s is shorter than recovery_timeout, which is 30s`,
		`policies: {p: {circuit_breaker: {max_recovery: 400ms}}}`:           `max_recovery: 400ms is shorter than recovery_timeout, which is 500ms`,
	} {
		if _, err := load(profile); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", profile, err, want)
		}
	}
}
