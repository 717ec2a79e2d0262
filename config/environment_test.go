package config_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

const forEnvironment = `
circuit_breakers:
  payment-service: {failure_threshold: 10}
rate_limiters:
  api.calls/eu: {requests_per_second: 1000}
policies:
  database: {timeout: 9s, retry: 3}
  external-api: {circuit_breaker: payment-service, attempt_timeout: 1s}
  audit: {extends: external-api, timeout: 9s}
  cache: none
services:
  payments.Gateway:
    policy: database
    methods: {Refund: cache}
`

func TestVariables(t *testing.T) {
	for name, tt := range map[string]struct {
		environ []string
		want    policy.Policy
		of      string
	}{
		"sets a setting":                 {[]string{"CLAD__POLICIES__DATABASE__TIMEOUT=7s"}, policy.Combine(seconds(7), retry(3)), "database"},
		"whatever its case":              {[]string{"CLAD__policies__Database__timeout=7s"}, policy.Combine(seconds(7), retry(3)), "database"},
		"dashes are underscores":         {[]string{"CLAD__POLICIES__EXTERNAL_API__ATTEMPT_TIMEOUT=7s"}, policy.Combine(policy.CircuitBreaker{Name: "payment-service"}, seconds(7)), "external-api"},
		"dashes may stay":                {[]string{"CLAD__POLICIES__external-api__ATTEMPT-TIMEOUT=7s"}, policy.Combine(policy.CircuitBreaker{Name: "payment-service"}, seconds(7)), "external-api"},
		"adds what the file lacks":       {[]string{"CLAD__POLICIES__DATABASE__RETRY__MAX_ELAPSED=7s"}, policy.Combine(seconds(9), policy.Retry{MaxAttempts: 3, MaxElapsed: 7 * time.Second, Backoff: policy.DefaultBackoff()}), "database"},
		"adds a layer":                   {[]string{"CLAD__POLICIES__DATABASE__CIRCUIT_BREAKER__FAILURE_THRESHOLD=7"}, policy.Combine(seconds(9), retry(3), policy.CircuitBreaker{FailureThreshold: 7}.WithDefaults()), "database"},
		"is short for attempts":          {[]string{"CLAD__POLICIES__DATABASE__RETRY=7"}, policy.Combine(seconds(9), retry(7)), "database"},
		"takes away":                     {[]string{"CLAD__POLICIES__DATABASE__RETRY=none"}, seconds(9), "database"},
		"takes a policy away":            {[]string{"CLAD__POLICIES__DATABASE=none"}, policy.None{}, "database"},
		"gives a policy":                 {[]string{"CLAD__POLICIES__CACHE__RETRY=2"}, retry(2), "cache"},
		"lists with commas":              {[]string{"CLAD__POLICIES__DATABASE__ORDER=retry, timeout"}, policy.Combine(retry(3), seconds(9)), "database"},
		"truth and numbers":              {[]string{"CLAD__POLICIES__DATABASE__RETRY__BACKOFF__JITTER=false", "CLAD__POLICIES__DATABASE__RETRY__BACKOFF__MULTIPLIER=3"}, policy.Combine(seconds(9), policy.Retry{MaxAttempts: 3, Backoff: policy.Exponential{Initial: 100 * time.Millisecond, Multiplier: 3, Max: 30 * time.Second}}), "database"},
		"names another":                  {[]string{"CLAD__POLICIES__DATABASE__CIRCUIT_BREAKER=payment-service"}, policy.Combine(seconds(9), retry(3), policy.CircuitBreaker{Name: "payment-service"}), "database"},
		"goes under what extends it":     {[]string{"CLAD__POLICIES__EXTERNAL_API__ATTEMPT_TIMEOUT=7s"}, policy.Combine(seconds(9), policy.CircuitBreaker{Name: "payment-service"}, seconds(7)), "audit"},
		"of an heir leaves the parent":   {[]string{"CLAD__POLICIES__AUDIT__ATTEMPT_TIMEOUT=7s"}, policy.Combine(policy.CircuitBreaker{Name: "payment-service"}, seconds(1)), "external-api"},
		"another type starts afresh":     {[]string{"CLAD__POLICIES__DATABASE__RETRY__BACKOFF__TYPE=fixed"}, policy.Combine(seconds(9), policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(100 * time.Millisecond)}), "database"},
		"that nobody meant for clad":     {[]string{"CLADDING=1", "CLAD=2", "CLAD_HOME=here", "=C:=C:\\", "PATH"}, policy.None{}, "cache"},
		"twice, to the same value":       {[]string{"CLAD__POLICIES__CACHE__RETRY=2", "CLAD__POLICIES__CACHE__RETRY=2"}, retry(2), "cache"},
		"the short form and a neighbour": {[]string{"CLAD__POLICIES__CACHE__RETRY=2", "CLAD__POLICIES__CACHE__RETRY__MAX_ELAPSED=7s"}, policy.Retry{MaxAttempts: 2, MaxElapsed: 7 * time.Second, Backoff: policy.DefaultBackoff()}, "cache"},
	} {
		t.Run(name, func(t *testing.T) {
			got := catalog(t, "", forEnvironment, tt.environ...).Policies[tt.of]
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestVariablesOfOtherSections(t *testing.T) {
	c := catalog(t, "", forEnvironment,
		"CLAD__CIRCUIT_BREAKERS__PAYMENT_SERVICE__FAILURE_THRESHOLD=4",
		"CLAD__RATE_LIMITERS__API_CALLS_EU__BURST=5",
		"CLAD__SERVICES__PAYMENTS_GATEWAY__POLICY=cache",
		"CLAD__SERVICES__PAYMENTS_GATEWAY__METHODS__REFUND=none")
	if got := c.CircuitBreakers["payment-service"].FailureThreshold; got != 4 {
		t.Errorf("breaker: %d", got)
	}
	if got := c.RateLimiters["api.calls/eu"].Burst; got != 5 {
		t.Errorf("limiter: %d", got)
	}
	if got, want := c.Services["payments.Gateway"], (policy.Service{Policy: "cache", Methods: map[string]string{"Refund": "none"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("service: %v", got)
	}
}

func TestMistakenVariables(t *testing.T) {
	for name, tt := range map[string]struct {
		environ string // several separated by spaces
		want    string
	}{
		"truth for a number":   {"CLAD__POLICIES__DATABASE__RETRY__MAX_ATTEMPTS=true", "must be a whole number, not true"},
		"number for truth":     {"CLAD__POLICIES__DATABASE__RETRY__BACKOFF__JITTER=1", "must be true or false, not 1"},
		"a bare number":        {"CLAD__POLICIES__DATABASE__TIMEOUT=5", "5 has no unit; write 5s"},
		"out of range":         {"CLAD__POLICIES__DATABASE__RETRY=0", "environment variable CLAD__POLICIES__DATABASE__RETRY: policies.database.retry: 0 is out of range; it must be 1 or more"},
		"twice in a list":      {"CLAD__POLICIES__DATABASE__ORDER=retry,retry", "retry stands here a second time"},
		"a name of nothing":    {"CLAD__POLICIES__DATABASE__CIRCUIT_BREAKER=orders", `there is no circuit breaker "orders"; there are: payment-service`},
		"an unknown policy":    {"CLAD__SERVICES__PAYMENTS_GATEWAY__POLICY=databse", `there is no policy "databse" (did you mean "database"?)`},
		"a misspelt setting":   {"CLAD__POLICIES__DATABASE__RETYR__MAX_ATTEMPTS=3", `policies.database has no "RETYR" (did you mean "CLAD__POLICIES__DATABASE__RETRY__MAX_ATTEMPTS"?)`},
		"below a setting":      {"CLAD__POLICIES__DATABASE__TIMEOUT__MS=3", "policies.database.timeout has no settings of its own"},
		"below no policy":      {"CLAD__POLICIES__CACHE__TIMOUT=3s", `did you mean "CLAD__POLICIES__CACHE__TIMEOUT"?`},
		"a single underscore":  {"CLAD__POLICIES_DATABASE__TIMEOUT=3s", "matches no setting: a profile has no"},
		"just the prefix":      {"CLAD__=1", "can't set a whole map"},
		"a whole map":          {"CLAD__POLICIES__DATABASE__RETRY__BACKOFF=fixed", "can't set a whole map"},
		"no value":             {"CLAD__POLICIES__DATABASE__RETRY=", "is empty"},
		"of a shared breaker":  {"CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER__FAILURE_THRESHOLD=3", `the policy names the circuit breaker "payment-service" (test.yaml:8:35); change that one with CLAD__CIRCUIT_BREAKERS__PAYMENT_SERVICE__..., or name another with CLAD__POLICIES__EXTERNAL_API__CIRCUIT_BREAKER`},
		"of an inherited one":  {"CLAD__POLICIES__AUDIT__CIRCUIT_BREAKER__FAILURE_THRESHOLD=3", `the policy names the circuit breaker "payment-service" (test.yaml:8:35)`},
		"two ways to write":    {"CLAD__POLICIES__DATABASE__TIMEOUT=3s CLAD__POLICIES__database__TIMEOUT=3s", "CLAD__POLICIES__database__TIMEOUT: policies.database.timeout: contradicts CLAD__POLICIES__DATABASE__TIMEOUT"},
		"a part of another":    {"CLAD__POLICIES__DATABASE__RETRY=3 CLAD__POLICIES__database=none", "CLAD__POLICIES__database: policies.database: contradicts CLAD__POLICIES__DATABASE__RETRY, which sets a part of it"},
		"YAML's null":          {"CLAD__POLICIES__DATABASE__TIMEOUT=~", "must be a duration such as 5s or none, not nothing"},
		"makes times not fit":  {"CLAD__POLICIES__AUDIT__TIMEOUT=500ms", "1s is longer than the timeout of the whole, 500ms (environment variable CLAD__POLICIES__AUDIT__TIMEOUT)"},
		"cuts the policy away": {"CLAD__POLICIES__DATABASE=none CLAD__POLICIES__DATABASE__RETRY=3", "contradicts CLAD__POLICIES__DATABASE, which sets policies.database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(forEnvironment, strings.Fields(tt.environ)...)
			wantError(t, err, tt.want)
			if n := len(mistakes(err)); n != 1 {
				t.Errorf("%d mistakes, want 1:\n%v", n, err)
			}
		})
	}
}

func TestVariableThatMayMeanTwoThings(t *testing.T) {
	const text = `policies: {external-api: {retry: 1}, external_api: {retry: 2}}`
	_, err := load(text, "CLAD__POLICIES__EXTERNAL_API__RETRY=3")
	wantError(t, err, "may mean policies.external-api.retry or policies.external_api.retry")
	if _, err := load(text); err != nil {
		t.Errorf("without the variable: %v", err)
	}
}

// Two variables of which one is a prefix of the other were applied in the order
// of a map: now one won, now the other.
func TestVariablesThatContradictEachOtherAreAMistakeInEveryOrder(t *testing.T) {
	environ := []string{
		"CLAD__POLICIES__DATABASE__RETRY=none",
		"CLAD__POLICIES__DATABASE__RETRY__MAX_ATTEMPTS=5",
		"CLAD__POLICIES__DATABASE__RETRY__BACKOFF__JITTER=false",
	}
	var first string
	for range 10 {
		environ = append(environ[1:], environ[0])
		_, err := load(forEnvironment, slices.Concat(environ, []string{"HOME=/root"})...)
		wantError(t, err, "contradicts CLAD__POLICIES__DATABASE__RETRY, which sets policies.database.retry")
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Fatalf("with %q:\n%v\nbefore:\n%s", environ, err, first)
		}
	}
}

func TestErrorsShowNoValuesOfOtherVariables(t *testing.T) {
	_, err := load("policies: {a: {retyr: 1}}",
		"DATABASE_PASSWORD=hunter2", "CLAD_PROFIEL=hunter2", "CLAD_POLICIES__A__RETRY=hunter2", "CLAD__NOWHERE=hunter2", "APP_ENV=hunter2")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v", err)
	}
}
