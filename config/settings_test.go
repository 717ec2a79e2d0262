package config_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

func TestSettings(t *testing.T) {
	p, err := config.Load(files("base.yaml", `
rate_limiters:
  api-calls: {requests_per_second: 1000}
policies:
  database:
    order: [retry, timeout, circuit_breaker]
    timeout: 90m
    retry: {max_attempts: 3, backoff: {type: linear, increment: 1m}}
    circuit_breaker: {failure_rate: 0.25, window: 1m30s, recovery_timeout: 10s}
  audit: {extends: database, retry: none, order: none}
  api: {rate_limit: api-calls}
  mail: {rate_limit: {name: api-calls}}
  cache: none
`, "production.yaml", `
policies:
  database: {retry: {backoff: {initial_delay: 2h}}}
services:
  payments.Gateway: {methods: {Refund: none}}
`), "production", []string{"CLAD__POLICIES__DATABASE__RETRY__BACKOFF__MAX_DELAY=0s"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"policies database": `
policies.database.order = [retry, timeout, circuit_breaker] (base.yaml:6:12)
policies.database.retry.max_attempts = 3 (base.yaml:8:27)
policies.database.retry.backoff.type = linear (base.yaml:8:46)
policies.database.retry.backoff.initial_delay = 2h (production.yaml:3:47)
policies.database.retry.backoff.increment = 1m (base.yaml:8:65)
policies.database.retry.backoff.max_delay = 0s (environment variable CLAD__POLICIES__DATABASE__RETRY__BACKOFF__MAX_DELAY)
policies.database.retry.max_elapsed = 0s (default)
policies.database.retry.max_wait = 30s (default)
policies.database.retry.budget = 0 (default)
policies.database.timeout = 1h30m (base.yaml:7:14)
policies.database.circuit_breaker.failure_threshold = 0 (default)
policies.database.circuit_breaker.failure_rate = 0.25 (base.yaml:9:37)
policies.database.circuit_breaker.min_requests = 20 (default)
policies.database.circuit_breaker.window = 1m30s (base.yaml:9:51)
policies.database.circuit_breaker.slow_call = 0s (default)
policies.database.circuit_breaker.recovery_timeout = 10s (base.yaml:9:76)
policies.database.circuit_breaker.max_recovery = 10s (default)
policies.database.circuit_breaker.recovery_jitter = 0 (default)
policies.database.circuit_breaker.ramp = 0s (default)
policies.database.circuit_breaker.success_threshold = 3 (default)
policies.database.circuit_breaker.probe_timeout = 30s (default)
policies.database.circuit_breaker.patience = 100ms (default)
policies.database.circuit_breaker.shared = false (default)`,
		"policies audit": `
policies.audit.extends = database (base.yaml:10:20)
policies.audit.order = none (base.yaml:10:50)
policies.audit.retry = none (base.yaml:10:37)
policies.audit.timeout = 1h30m (base.yaml:7:14)
policies.audit.circuit_breaker.failure_threshold = 0 (default)
policies.audit.circuit_breaker.failure_rate = 0.25 (base.yaml:9:37)
policies.audit.circuit_breaker.min_requests = 20 (default)
policies.audit.circuit_breaker.window = 1m30s (base.yaml:9:51)
policies.audit.circuit_breaker.slow_call = 0s (default)
policies.audit.circuit_breaker.recovery_timeout = 10s (base.yaml:9:76)
policies.audit.circuit_breaker.max_recovery = 10s (default)
policies.audit.circuit_breaker.recovery_jitter = 0 (default)
policies.audit.circuit_breaker.ramp = 0s (default)
policies.audit.circuit_breaker.success_threshold = 3 (default)
policies.audit.circuit_breaker.probe_timeout = 30s (default)
policies.audit.circuit_breaker.patience = 100ms (default)
policies.audit.circuit_breaker.shared = false (default)`,
		"policies api": `
policies.api.order = [rate_limit] (default)
policies.api.rate_limit = api-calls (base.yaml:11:21)`,
		"policies mail": `
policies.mail.order = [rate_limit] (default)
policies.mail.rate_limit.name = api-calls (base.yaml:12:29)`,
		"policies cache": `
policies.cache = none (base.yaml:13:10)`,
		"rate_limiters": `
rate_limiters.api-calls.requests_per_second = 1000 (base.yaml:3:36)
rate_limiters.api-calls.burst = 250 (default)
rate_limiters.api-calls.max_wait = 0s (default)
rate_limiters.api-calls.reserve = 0 (default)
rate_limiters.api-calls.shared = false (default)
rate_limiters.api-calls.exact = false (default)`,
		"services": `
services.payments.Gateway.methods.Refund = none (production.yaml:5:40)
services.payments.Gateway.critical = false (default)`,
		"reload": `
reload = false (default)`,
		"circuit_breakers":        "",
		"policies nowhere":        "",
		"policies cache retry":    "",
		"policies database delay": "",
		"rate_limiters api-calls requests_per_second deeper": "",
	} {
		var got strings.Builder
		for _, s := range p.Settings(strings.Fields(path)...) {
			fmt.Fprintf(&got, "\n%s = %v (%v)", strings.Join(s.Path, "."), s, s.Origin)
		}
		if got.String() != want {
			t.Errorf("%s: got%s\nwant%s", path, got.String(), want)
		}
	}
	for _, s := range p.Settings() {
		if at, ok := p.Origin(s.Path...); !ok || at != s.Origin {
			t.Errorf("%v: the setting's origin is %v, Origin's %v", s.Path, s.Origin, at)
		}
	}
}

func TestSettingsAreTheCallersOwn(t *testing.T) {
	p, err := load("policies: {p: {order: [retry, timeout], retry: 1, timeout: 1s}}")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.Settings() {
		s.Path[0] = "changed"
		if order, ok := s.Value.([]string); ok {
			slices.Reverse(order)
		}
	}
	first := p.Settings("policies", "p", "order")
	if len(first) != 1 || first[0].String() != "[retry, timeout]" || first[0].Path[0] != "policies" {
		t.Errorf("a caller changed the profile: %v", first)
	}
}

// checkSettings fails unless the settings say what the catalog holds.
func checkSettings(t *testing.T, p *config.Profile) {
	t.Helper()
	all := p.Settings()
	if len(all) == 0 {
		t.Fatal("a profile without settings")
	}
	c := p.Catalog()
	for name, breaker := range c.CircuitBreakers {
		if s := under(p, "circuit_breakers", name); len(s) > 0 {
			wantBreaker(t, name, s, breaker)
		}
	}
	for name, limiter := range c.RateLimiters {
		if s := under(p, "rate_limiters", name); len(s) > 0 {
			wantLimiter(t, name, s, limiter)
		}
	}
	for name, whole := range c.Policies {
		nested := policy.Layers(whole)
		for i, key := range layersIn(p.Settings("policies", name)) {
			if i >= len(nested) {
				t.Errorf("policy %q: the settings have %s as a layer more", name, key)
				break
			}
			wantLayer(t, p, name, key, nested[i])
		}
	}
}

// under returns the values of an object by their keys.
func under(p *config.Profile, path ...string) map[string]any {
	values := map[string]any{}
	for _, s := range p.Settings(path...) {
		values[strings.Join(s.Path[len(path):], " ")] = s.Value
	}
	return values
}

// layersIn lists the layers that a policy's settings show, in their order.
func layersIn(settings []config.Setting) []string {
	var keys []string
	for _, s := range settings {
		switch {
		case len(s.Path) < 3, s.Path[2] == "extends", s.Path[2] == "order", s.Value == "none" && len(s.Path) == 3:
		case slices.Contains(keys, s.Path[2]):
		case s.Path[2] == "rate_limits": // a layer for each
			for range s.Value.([]string) {
				keys = append(keys, s.Path[2])
			}
		default:
			keys = append(keys, s.Path[2])
		}
	}
	return keys
}

func wantLayer(t *testing.T, p *config.Profile, name, key string, layer policy.Policy) {
	t.Helper()
	s := under(p, "policies", name, key)
	switch layer := layer.(type) {
	case policy.Timeout:
		want(t, name, s[""], time.Duration(layer))
	case policy.Retry:
		want(t, name, s["max_attempts"], layer.MaxAttempts)
		want(t, name, s["max_elapsed"], layer.MaxElapsed)
		switch b := layer.Backoff.(type) {
		case policy.Fixed:
			want(t, name, s["backoff delay"], time.Duration(b))
		case policy.Linear:
			want(t, name, s["backoff increment"], b.Increment)
		case policy.Exponential:
			want(t, name, s["backoff multiplier"], b.Multiplier)
		}
		want(t, name, s["budget"], layer.Budget)
	case policy.CircuitBreaker:
		if layer.Name == "" {
			wantBreaker(t, name, s, layer)
		} else if s[""] != layer.Name && s["name"] != layer.Name {
			t.Errorf("policy %q: %v, want %q", name, s, layer.Name)
		}
	case policy.RateLimit:
		if several, ok := s[""].([]string); ok {
			if !slices.Contains(several, layer.Name) {
				t.Errorf("policy %q: %v, want %q among them", name, several, layer.Name)
			}
		} else if layer.Name == "" {
			wantLimiter(t, name, s, layer)
		} else if s[""] != layer.Name && s["name"] != layer.Name {
			t.Errorf("policy %q: %v, want %q", name, s, layer.Name)
		}
	}
}

func wantBreaker(t *testing.T, name string, s map[string]any, b policy.CircuitBreaker) {
	t.Helper()
	want(t, name, s["failure_threshold"], int(b.FailureThreshold))
	want(t, name, s["failure_rate"], b.FailureRate)
	want(t, name, s["min_requests"], int(b.MinRequests))
	want(t, name, s["window"], b.Window)
	want(t, name, s["recovery_timeout"], b.RecoveryTimeout)
	want(t, name, s["max_recovery"], b.MaxRecovery)
	want(t, name, s["slow_call"], b.SlowCall)
	if b.SlowCall > 0 {
		want(t, name, s["slow_rate"], b.SlowRate)
	}
	want(t, name, s["recovery_jitter"], b.RecoveryJitter)
	want(t, name, s["ramp"], b.Ramp)
	want(t, name, s["success_threshold"], int(b.SuccessThreshold))
	want(t, name, s["probe_timeout"], b.ProbeTimeout)
}

func wantLimiter(t *testing.T, name string, s map[string]any, l policy.RateLimit) {
	t.Helper()
	if l.Per > 0 {
		want(t, name, s["requests_per_period"], l.RequestsPerPeriod)
		want(t, name, s["per"], l.Per)
	} else {
		want(t, name, s["requests_per_second"], l.RequestsPerSecond)
		want(t, name, s["burst"], l.Burst)
	}
	want(t, name, s["max_wait"], l.MaxWait)
}

func want(t *testing.T, name string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q: the setting is %v (%[2]T), the catalog has %v (%[3]T)", name, got, want)
	}
}

func TestSettingsSayWhatTheCatalogHolds(t *testing.T) {
	for _, name := range []string{"production", "development"} {
		p, err := config.Load(config.Dir("../configs"), name, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkSettings(t, p)
	}
	text, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
		if p, err := load(block[1]); err == nil { // some lie over another
			checkSettings(t, p)
		}
	}
}

// What a retry waits at most where nobody says, is what its back-off does.
func TestTheDefaultOfMaxWaitFollowsTheBackoff(t *testing.T) {
	for text, want := range map[string]string{
		"3":                                    "30s",
		"{backoff: {max_delay: 2m}}":           "2m",
		"{backoff: {max_delay: 5s}}":           "30s",
		"{backoff: {type: fixed, delay: 45s}}": "45s",
		"{backoff: {type: linear, max_delay: 1h}, max_wait: 7s}": "7s",
	} {
		p, err := load("policies: {p: {retry: " + text + "}}")
		if err != nil {
			t.Fatal(err)
		}
		found := p.Settings("policies", "p", "retry", "max_wait")
		if len(found) != 1 || found[0].String() != want || found[0].Origin.IsDefault() != !strings.Contains(text, "max_wait") {
			t.Errorf("%s: %v, want %s", text, found, want)
		}
	}
}
