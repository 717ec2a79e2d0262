package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

func TestChaosOfAPolicy(t *testing.T) {
	p, err := config.Load(files("staging.yaml", "policies: {p: {stale: 5m, chaos: {rate: 0.5, latency: 1s, error: all is lost}, retry: 2, errors: {answers: [redis.Nil]}}}"), "staging", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Combine(policy.Stale(5*time.Minute), policy.Retry{MaxAttempts: 2},
		policy.Chaos{Rate: 0.5, Latency: time.Second, Error: policy.ErrorName("all is lost"), For: 10 * time.Minute},
		policy.Errors{Answers: []error{policy.ErrorName("redis.Nil")}})
	if got := p.Catalog().Policies["p"]; got.String() != want.String() {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestMistakesInChaos(t *testing.T) {
	for profile, tests := range map[string]map[string]string{
		"production": {
			"rate: 1, latency: 1s":                          "production.yaml:1:16: policies.p.chaos: the profile production is one of production; write allow_in: production beside it if that is meant",
			"rate: 1, latency: 1s, allow_in: productoin":    "allow_in: production",
			"rate: 1, latency: 1s, allow_in: production":    "",
			"rate: 1, latency: 1s, allow_in: production-eu": "allow_in: production",
		},
		"prod-eu": {"rate: 1, latency: 1s": "allow_in: prod-eu"},
		"staging": {
			"rate: 1, latency: 1s":          "",
			"latency: 1s":                   "rate is missing",
			"rate: 0, latency: 1s":          "rate: 0",
			"rate: 2, latency: 1s":          "rate: 2",
			"rate: 1":                       "it does nothing; set latency or error",
			"rate: 1, error: x, for: 0s":    "for: 0s",
			"rate: 1, latncy: 1s, error: x": `did you mean "latency"?`,
		},
	} {
		for settings, want := range tests {
			_, err := config.Load(files(profile+".yaml", "policies: {p: {chaos: {"+settings+"}}}"), profile, nil)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s, %s: got %v\nwant %q", profile, settings, err, want)
			}
		}
	}
}
