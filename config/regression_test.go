package config_test

import (
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// A misspelt key silently meant that the policy had no such layer.
func TestMisspeltKeyIsNeverNoPolicy(t *testing.T) {
	_, err := load("policies:\n  database: {retyr: 3}\n")
	wantError(t, err, `test.yaml:2:14: policies.database.retyr: unknown key (did you mean "retry"?)`)
}

// A file with everything under a wrong outer key loaded as nothing.
func TestWrongOuterKeyIsNeverAnEmptyProfile(t *testing.T) {
	_, err := load("policy:\n  database: {timeout: 5}\nservices: {payments.Gateway: {policy: database}}\n")
	wantError(t, err, `test.yaml:1:1: policy: unknown key (did you mean "policies"?)`, "test.yaml:2:23: policy.database.timeout: 5 has no unit")
	if n := len(mistakes(err)); n != 2 {
		t.Errorf("%d mistakes, want 2: what stands under the wrong key is known all the same\n%v", n, err)
	}
}

// A service that named a policy nobody had written got the defaults.
func TestServiceWithUnknownPolicyNeverGetsDefaults(t *testing.T) {
	_, err := load("policies: {database: none}\nservices:\n  payments.Gateway: {policy: databse, methods: {Refund: chache}}\n")
	wantError(t, err,
		`test.yaml:3:30: services."payments.Gateway".policy: there is no policy "databse" (did you mean "database"?)`,
		`test.yaml:3:57: services."payments.Gateway".methods.Refund: there is no policy "chache"; there are: database`)
}

// timeout: 5 meant five nanoseconds.
func TestBareNumberIsNeverADuration(t *testing.T) {
	for _, text := range []string{"5", "0", "0.5", `"5"`, "'0'", "1_000", "5e3", "0x5"} {
		_, err := load("policies: {a: {retry: {max_elapsed: " + text + "}}}")
		wantError(t, err, "test.yaml:1:37: policies.a.retry.max_elapsed: ")
	}
}

// true became 1, and "3" became 3.
func TestNothingIsConvertedToWhatWasWanted(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"retry: true", "not true"},
		{`retry: "3"`, `not "3"`},
		{"retry: 3.0", "not 3.0"},
		{"retry: {backoff: {jitter: 1}}", "must be true or false, not 1"},
		{"retry: {backoff: {jitter: yes}}", `must be true or false, not "yes"`},
		{`retry: {backoff: {jitter: "true"}}`, `must be true or false, not "true"`},
		{`retry: {backoff: {jitter: !!bool "yes"}}`, "must be true or false, not yes"},
		{"rate_limit: {requests_per_second: true}", "must be a number, not true"},
		{`rate_limit: {requests_per_second: "9"}`, `must be a number, not "9"`},
		{"circuit_breaker: true", "not true"},
		{"retry: {backoff: {type: 1}}", "must be one of fixed, linear, exponential, not 1"},
	} {
		_, err := load("policies: {a: {" + tt.text + "}}")
		wantError(t, err, tt.want)
	}
}

// A profile with policies: and nothing below wiped out the base's policies.
func TestEmptySectionNeverWipesTheBase(t *testing.T) {
	for _, section := range []string{"circuit_breakers", "rate_limiters", "policies", "services"} {
		_, err := load(section + ":\n")
		wantError(t, err, "test.yaml:1:1: "+section+": is empty; leave it out, or write {} if that is meant")
	}
	_, err := load("policies:\n  database:\n")
	wantError(t, err, "test.yaml:2:3: policies.database: is empty; write none if the policy is to protect nothing")

	c := catalog(t, "policies: {database: {retry: 2}}", "{policies: {}, services: {}}")
	if _, ok := c.Policies["database"]; !ok {
		t.Error("{} wiped the base's policies out")
	}
}

// A file that was truncated to be written anew looked like a profile without
// any protection.
func TestEmptyFileIsNeverAnEmptyProfile(t *testing.T) {
	_, err := load("")
	wantError(t, err, "test.yaml:1:1: the file is empty")
}

// Layers were merged as structs: false, 0 and 0s looked like "not set", so no
// layer could go back to them.
func TestOverlayCanSetFalseAndZero(t *testing.T) {
	const base = `
policies:
  p:
    retry: {max_elapsed: 9s, backoff: {initial_delay: 1s, max_delay: 9s, jitter: true}}
    rate_limit: {requests_per_second: 5, max_wait: 2s}
    circuit_breaker: {failure_threshold: 5, failure_rate: 0.5, window: 9s}
`
	retry := func(p policy.Policy) policy.Retry { return policy.Layers(p)[0].(policy.Retry) }
	p := catalog(t, base, "policies: {p: {retry: {max_elapsed: 0s, backoff: {initial_delay: 0s, max_delay: 0s, jitter: false}}}}").Policies["p"]
	if got, want := retry(p), (policy.Retry{MaxAttempts: 3, Backoff: policy.Exponential{Multiplier: 2}}); got.Backoff != want.Backoff || got.MaxElapsed != 0 {
		t.Errorf("retry: %v", got)
	}
	p = catalog(t, base, "policies: {p: {rate_limit: {max_wait: 0s}}}").Policies["p"]
	if got := policy.Layers(p)[1].(policy.RateLimit); got.MaxWait != 0 || got.RequestsPerSecond != 5 {
		t.Errorf("rate limit: %v", got)
	}
	p = catalog(t, base, "policies: {p: {circuit_breaker: {failure_rate: 0, window: 0s}}}").Policies["p"]
	if got := policy.Layers(p)[2].(policy.CircuitBreaker); got.FailureRate != 0 || got.Window != 0 || got.FailureThreshold != 5 {
		t.Errorf("circuit breaker without a rate: %v", got)
	}
	p = catalog(t, base, "policies: {p: {circuit_breaker: {failure_threshold: 0}}}").Policies["p"]
	if got := policy.Layers(p)[2].(policy.CircuitBreaker); got.FailureThreshold != 0 || got.FailureRate != 0.5 {
		t.Errorf("circuit breaker without a number: %v", got)
	}
	p = catalog(t, base, "{}", "CLAD__POLICIES__P__RETRY__BACKOFF__JITTER=false", "CLAD__POLICIES__P__RETRY__MAX_ELAPSED=0s").Policies["p"]
	if got := retry(p); got.MaxElapsed != 0 || got.Backoff.(policy.Exponential).Jitter {
		t.Errorf("retry by variables: %v", got)
	}
}

// Retries by default doubled a payment. A method, or a whole policy, must be
// easy to keep from being repeated.
func TestWhatIsNotSafeToRepeatIsEasyToExclude(t *testing.T) {
	c := catalog(t, "", `
policies:
  external_api: {timeout: 9s, retry: 3, circuit_breaker: {}}
  external_api_once: {extends: external_api, retry: 1}
services:
  payments.Gateway:
    methods: {Charge: external_api_once, Close: none}
`)
	methods := c.Services["payments.Gateway"].Methods
	if methods["Charge"] != "external_api_once" || methods["Close"] != "none" {
		t.Errorf("methods: %v", methods)
	}
	once := policy.Layers(c.Policies["external_api_once"])
	if len(once) != 3 || once[0] != policy.Timeout(9*time.Second) || once[1].(policy.Retry).MaxAttempts != 1 {
		t.Errorf("external_api_once: %v; it must keep all but the retries", once)
	}
}

// What is wrong once is told once, not again for each policy that inherits it.
func TestInheritedMistakeIsToldWhereItWasWritten(t *testing.T) {
	_, err := load(`
policies:
  a: {extends: z, retry: 1}
  b: {extends: a}
  z: {timeout: 1s, attempt_timeout: 2s, circuit_breaker: nowhere}
`)
	wantError(t, err,
		"test.yaml:5:37: policies.z.attempt_timeout: 2s is longer than",
		`test.yaml:5:58: policies.z.circuit_breaker: there is no circuit breaker "nowhere"`)
	if n := len(mistakes(err)); n != 2 {
		t.Errorf("%d mistakes, want 2:\n%v", n, err)
	}
}

// A mistake must not make the checker believe more mistakes: what stands beside
// it, refers to it or inherits it is fine.
func TestMistakeBringsNoFurtherOnes(t *testing.T) {
	for name, text := range map[string]string{
		"a misspelt layer that order names":   "policies: {a: {timout: 1s, retry: 2, order: [timeout, retry]}}",
		"an unknown layer that order names":   "policies: {a: {quota: 1, order: [retry]}}",
		"a broken layer that order names":     "policies: {a: {timeout: 1, retry: 2, order: [timeout, retry]}}",
		"a broken breaker that is named":      "{circuit_breakers: {b: {failure_threshold: -1}}, policies: {a: {circuit_breaker: b}}}",
		"an empty breaker that is named":      "{circuit_breakers: {b: }, policies: {a: {circuit_breaker: b}}}",
		"a badly named breaker that is named": `{circuit_breakers: {"b b": {}}, policies: {a: {circuit_breaker: "b b"}}}`,
		"breakers in a list":                  "{circuit_breakers: [b], policies: {a: {circuit_breaker: b}}}",
		"a broken parent":                     "policies: {a: {extends: b, timeout: 1s, order: [retry, timeout]}, b: {retry: many}}",
		"an unknown parent":                   "policies: {a: {extends: z, order: [retry]}}",
		"a broken wait":                       "policies: {a: {timeout: 1s, retry: {max_attempts: 99, backoff: {initial_delay: 1}}}}",
		"a broken rate":                       "policies: {a: {circuit_breaker: {failure_rate: 2, min_requests: 5}}}",
		"a broken slow call":                  "policies: {a: {circuit_breaker: {slow_call: 5, slow_rate: 0.5, min_requests: 5}}}",
		"a broken window":                     "policies: {a: {circuit_breaker: {failure_rate: 0.5, window: 5}}}",
		"a broken threshold":                  "policies: {a: {circuit_breaker: {failure_threshold: -1}}}",
		"a misspelt rate":                     "policies: {a: {circuit_breaker: {failure_ratio: 0.5, window: 5s, min_requests: 5}}}",
		"a misspelt requirement":              "policies: {a: {rate_limit: {request_per_second: 5}}}",
		"a broken period":                     "policies: {a: {rate_limit: {requests_per_period: 5, per: 5}}}",
		"a misspelt period":                   "policies: {a: {rate_limit: {requests_per_period: 5, pre: 5s}}}",
		"a broken limit among several":        "{rate_limiters: {b: {requests_per_second: -1}}, policies: {a: {rate_limits: [b]}}}",
		"an unknown requirement":              "policies: {a: {rate_limit: {rps: 5}}}",
		"a broken type":                       "policies: {a: {retry: {backoff: {type: constant, delay: 1s}}}}",
		"a broken maximum":                    "policies: {a: {retry: {backoff: {initial_delay: 1m, max_delay: 2}}}}",
		"a broken name":                       "policies: {a: {rate_limit: {name: 7}}}",
		"a broken service":                    "services: {payments.Gateway: {polcy: none}}",
		"a policy that is no map":             "{policies: {a: 7}, services: {payments.Gateway: {policy: a}}}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(text)
			if n := len(mistakes(err)); n != 1 {
				t.Errorf("%d mistakes, want 1:\n%v", n, err)
			}
		})
	}
}

// A service named by an escape sequence would have moved the cursor of whoever
// had the profile printed.
func TestServiceNamesHoldNothingThatATerminalObeys(t *testing.T) {
	_, err := load("services: {\"payments\\e[2J.Gateway\": {policy: none}}")
	wantError(t, err, "is no name that can stand here; write a Go type")
}
