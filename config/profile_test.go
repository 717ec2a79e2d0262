package config_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
)

// Every value knows where it comes from, through all layers.
func TestOrigin(t *testing.T) {
	p, err := config.Load(files(
		"base.yaml", `
circuit_breakers:
  payment-service: {failure_threshold: 10}
policies:
  database:
    timeout: 9s
    retry: {max_attempts: 3, backoff: {type: exponential, multiplier: 2}}
  audit:
    extends: database
    retry: 2
  cache: {timeout: 1s, retry: 1}
`, "production.yaml", `
policies:
  database:
    retry:
      backoff: {multiplier: 3}
  audit: {timeout: 8s}
  cache: {retry: none}
  api: {circuit_breaker: payment-service}
  fixed: {retry: {backoff: {type: fixed}}}
  unnamed: {circuit_breaker: {}}
  alone: {circuit_breaker: {name: payment-service}}
services:
  payments.Gateway: {methods: {Refund: none}}
`), "production", []string{"CLAD__POLICIES__AUDIT__ATTEMPT_TIMEOUT=1s", "CLAD__POLICIES__API__RETRY__MAX_ELAPSED=7s", "CLAD__POLICIES__API__ORDER=circuit_breaker,retry"})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"circuit_breakers":                                   "base.yaml:2:1",
		"circuit_breakers payment-service":                   "base.yaml:3:3",
		"circuit_breakers payment-service failure_threshold": "base.yaml:3:40",
		"circuit_breakers payment-service recovery_timeout":  "default",
		"circuit_breakers payment-service max_recovery":      "default",
		"circuit_breakers payment-service probe_timeout":     "default",
		"policies":                                       "production.yaml:2:1",
		"policies database timeout":                      "base.yaml:6:14",
		"policies database retry":                        "production.yaml:4:5",
		"policies database retry max_attempts":           "base.yaml:7:27",
		"policies database retry max_elapsed":            "default",
		"policies database retry backoff multiplier":     "production.yaml:5:29",
		"policies database retry backoff jitter":         "default",
		"policies database order":                        "default",
		"policies audit extends":                         "base.yaml:9:14",
		"policies audit timeout":                         "production.yaml:6:20",
		"policies audit retry max_attempts":              "base.yaml:10:12",
		"policies audit retry backoff type":              "base.yaml:7:46",
		"policies audit retry backoff multiplier":        "production.yaml:5:29",
		"policies audit attempt_timeout":                 "environment variable CLAD__POLICIES__AUDIT__ATTEMPT_TIMEOUT",
		"policies cache retry":                           "production.yaml:7:18",
		"policies api circuit_breaker":                   "production.yaml:8:26",
		"policies api retry":                             "environment variable CLAD__POLICIES__API__RETRY__MAX_ELAPSED",
		"policies api retry max_attempts":                "default",
		"policies api retry backoff":                     "default",
		"policies api retry backoff initial_delay":       "default",
		"policies api order":                             "environment variable CLAD__POLICIES__API__ORDER",
		"policies fixed retry backoff delay":             "default",
		"services payments.Gateway policy":               "", // the tag's, which no profile knows
		"services payments.Gateway methods Refund":       "production.yaml:13:40",
		"policies database attempt_timeout":              "",
		"policies database retry backoff delay":          "", // exponential back-offs have none
		"policies fixed retry backoff multiplier":        "",
		"policies cache retry max_attempts":              "",
		"policies alone circuit_breaker name":            "production.yaml:11:35",
		"policies alone circuit_breaker probe_timeout":   "",
		"policies unnamed circuit_breaker name":          "",
		"policies api circuit_breaker failure_threshold": "", // it is the shared one's
		"policies database timeout seconds":              "",
		"policies nowhere":                               "",
		"policies nowhere timeout":                       "",
		"services payments.Gateway methods Charge":       "",
		"elsewhere":               "",
		"rate_limiters api-calls": "",
		"circuit_breakers payment-service failure_threshold deeper": "",
	} {
		origin, ok := p.Origin(strings.Fields(path)...)
		got := origin.String()
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		if ok && origin.IsDefault() != (want == "default") {
			t.Errorf("%s: IsDefault is %v", path, origin.IsDefault())
		}
	}
}

func TestReload(t *testing.T) {
	for name, tt := range map[string]struct {
		base, profile string
		environ       []string
		want          bool
		origin        string
	}{
		"unless somebody asks":      {"{}", "{}", nil, false, "default"},
		"where the base asks":       {"reload: true", "{}", nil, true, "base.yaml:1:9"},
		"a profile may turn off":    {"reload: true", "reload: false", nil, false, "test.yaml:1:9"},
		"and a variable on again":   {"reload: true", "reload: false", []string{"CLAD__RELOAD=true"}, true, "environment variable CLAD__RELOAD"},
		"alone, or beside the rest": {"{}", "policies: {p: {retry: 2}}", []string{"CLAD__RELOAD=true", "CLAD__POLICIES__P__RETRY=3"}, true, "environment variable CLAD__RELOAD"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := config.Load(files("base.yaml", tt.base, "test.yaml", tt.profile), "test", tt.environ)
			if err != nil {
				t.Fatal(err)
			}
			origin, ok := p.Origin("reload")
			if p.Reload() != tt.want || !ok || origin.String() != tt.origin {
				t.Errorf("%v from %v, want %v from %s", p.Reload(), origin, tt.want, tt.origin)
			}
		})
	}
	for environ, want := range map[string]string{
		"CLAD_RELOAD=true":         "matches no setting; the names of settings begin with CLAD__",
		"CLAD__RELOAD=yes":         "must be true or false",
		"CLAD__RELOAD__EVERY=true": "reload has no settings of its own",
	} {
		_, err := load("{}", environ)
		wantError(t, err, want)
	}
}

func TestCatalogIsTheCallersOwn(t *testing.T) {
	p, err := load(`
circuit_breakers: {b: {}}
rate_limiters: {l: {requests_per_second: 1}}
policies: {p: {retry: 1}}
services: {payments.Gateway: {methods: {Refund: none}}}
`)
	if err != nil {
		t.Fatal(err)
	}
	first := p.Catalog()
	clear(first.CircuitBreakers)
	clear(first.RateLimiters)
	clear(first.Policies)
	clear(first.Services["payments.Gateway"].Methods)
	clear(first.Services)
	second := p.Catalog()
	if len(second.CircuitBreakers) != 1 || len(second.RateLimiters) != 1 || len(second.Policies) != 1 ||
		!reflect.DeepEqual(second.Services["payments.Gateway"].Methods, map[string]string{"Refund": "none"}) {
		t.Errorf("a caller changed the profile: %v", second)
	}
}

// A policy may be chosen for a method, and for a path that calls go by.
func TestServicesChooseForMethodsAndPaths(t *testing.T) {
	p, err := load("policies: {a: {retry: 3}}\nservices: {grpc.ClientConnInterface: {methods: {Invoke: a, /shop.Orders/Get: a, \"GET /orders/{id}\": a}}}\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Invoke", "/shop.Orders/Get", "GET /orders/{id}"} {
		if got := p.Catalog().Services["grpc.ClientConnInterface"].Methods[name]; got != "a" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, name := range []string{"/", "/a b", "orders/get", "get /orders"} {
		_, err := load("policies: {a: {retry: 3}}\nservices: {grpc.ClientConnInterface: {methods: {\"" + name + "\": a}}}\n")
		wantError(t, err, "is no name that can stand here")
	}
}
