package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// The standard policy repeats nothing, ends everything, and is there only where
// somebody asks for it.
func TestTheStandardPolicy(t *testing.T) {
	layers := policy.Layers(config.Standard())
	if len(layers) != 2 || layers[0] != policy.Policy(policy.Timeout(10*time.Second)) {
		t.Fatalf("it is %v", config.Standard())
	}
	want := policy.CircuitBreaker{FailureThreshold: 5, SlowCall: 5 * time.Second, SlowRate: 0.5, MinRequests: 20, RecoveryJitter: 0.2, SuccessThreshold: 3}.WithDefaults()
	if layers[1] != policy.Policy(want) {
		t.Errorf("the breaker is %v, want %v", layers[1], want)
	}
	for name, tt := range map[string]struct {
		base, profile string
		loader        config.Loader
		environ       []string
		want          bool
	}{
		"nobody asks":               {"{}", "policies: {p: none}", config.Loader{}, nil, false},
		"the profile":               {"{}", "standard: true", config.Loader{}, nil, true},
		"the base":                  {"standard: true", "{}", config.Loader{}, nil, true},
		"the base, not the profile": {"standard: true", "standard: false", config.Loader{}, nil, false},
		"the environment":           {"{}", "{}", config.Loader{}, []string{"CLAD__STANDARD=true"}, true},
		"not the environment":       {"{}", "standard: true", config.Loader{}, []string{"CLAD__STANDARD=false"}, false},
		"the code":                  {"{}", "{}", config.Loader{Standard: true}, nil, true},
		"the code, at any rate":     {"{}", "standard: false", config.Loader{Standard: true}, nil, true},
	} {
		p, err := tt.loader.Load(files("base.yaml", tt.base, "test.yaml", tt.profile), "test", tt.environ)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, got := p.Catalog().Policies[policy.StandardName]; got != tt.want {
			t.Errorf("%s: it is there: %v", name, got)
		}
	}
}

// It is a policy like any other: one lies over it, another extends it, a variable
// changes it, and each value says where it comes from.
func TestTheStandardPolicyMayBeChanged(t *testing.T) {
	const profile = `
standard: true
policies:
  standard: {circuit_breaker: {failure_threshold: 7}}
  reads: {extends: standard, retry: 3}
services:
  payments.Gateway: {policy: standard}
`
	p, err := config.Load(files("test.yaml", profile), "test", []string{"CLAD__POLICIES__STANDARD__TIMEOUT=9s"})
	if err != nil {
		t.Fatal(err)
	}
	breaker := policy.CircuitBreaker{FailureThreshold: 7, SlowCall: 5 * time.Second, SlowRate: 0.5, MinRequests: 20, RecoveryJitter: 0.2}.WithDefaults()
	c := p.Catalog()
	if want := policy.Combine(policy.Timeout(9*time.Second), breaker); !policy.Equal(c.Policies["standard"], want) {
		t.Errorf("got %v, want %v", c.Policies["standard"], want)
	}
	if reads := policy.Layers(c.Policies["reads"]); len(reads) != 3 || reads[2] != policy.Policy(breaker) {
		t.Errorf("got %v, want a retry between these", c.Policies["reads"])
	}
	for _, tt := range []struct{ path, want string }{
		{"circuit_breaker.failure_threshold", "test.yaml:4:51"},
		{"circuit_breaker.slow_rate", "clad/standard.yaml:"},
		{"timeout", "environment variable CLAD__POLICIES__STANDARD__TIMEOUT"},
	} {
		at, _ := p.Origin(append([]string{"policies", "standard"}, strings.Split(tt.path, ".")...)...)
		if !strings.HasPrefix(at.String(), tt.want) {
			t.Errorf("%s comes from %v, want %s", tt.path, at, tt.want)
		}
	}
	_, err = config.Load(files("test.yaml", "standard: true\npolicies: {standard: {attempt_timeout: 11s}}"), "test", nil)
	wantError(t, err, "test.yaml:2:40: policies.standard.attempt_timeout: 11s is longer than the timeout of the whole, 10s (clad/standard.yaml:")
}

// The documentation shows it as it is, with the reason of each value.
func TestTheDocumentationShowsTheStandardPolicy(t *testing.T) {
	file, err := os.ReadFile("standard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```yaml\n"+string(file)+"```\n") {
		t.Error("docs/policies.md does not show config/standard.yaml")
	}
}
