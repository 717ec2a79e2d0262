package config_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// fuzzTime is far more than any input of a fuzzer takes, on a machine that does
// much else: what takes longer grows faster than it is written.
const fuzzTime = 5 * time.Second

// Whatever is in the files and the environment: Load ends in time and does not
// panic, what it accepts can be honoured, and what it refuses has a place.
func FuzzLoad(f *testing.F) {
	for _, file := range []string{"testdata/mistakes/production.yaml", "../configs/production.yaml", "../configs/development.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add("{}", string(text), "CLAD__POLICIES__DATABASE__RETRY=5")
	}
	f.Add("policies: {p: {retry: 3, circuit_breaker: {}}}", forEnvironment, "CLAD__POLICIES__P=none\nCLAD__policies__database__order=retry,timeout\nCLAD_PROFIEL=x")
	f.Add("policies: {a: &a {<<: *a}, b: *a}", "policies: {\"@\": none, \"!\": 1, a: {\"\\0\": 1}}", "CLAD__POLICIES__A__RETRY__BACKOFF__TYPE=fixed")
	f.Add("a: 1\n---\nb: 2", "\ufeffpolicies: {a: {order: [], extends: a}}", "CLAD__=")
	f.Add("policies: {a: &a {order: &o [retry, *o], <<: [*a, *a]}, b: {<<: &l [*l, *a]}}", "{policies: {a: &p {extends: b}, b: &q {<<: [*p, *p]}, c: {<<: [*q, *q, *q]}}}", "CLAD__POLICIES__A__B__C=1")
	f.Fuzz(func(t *testing.T, base, profile, environ string) {
		late := time.AfterFunc(fuzzTime, func() {
			panic(fmt.Sprintf("Load has not ended after %v: %q, %q, %q", fuzzTime, base, profile, environ))
		})
		defer late.Stop()
		p, err := config.Load(files("base.yaml", base, "test.yaml", profile), "test", strings.Split(environ, "\n"))
		if err != nil {
			if p != nil || len(mistakes(err)) == 0 {
				t.Fatalf("Load: %v, %T", p, err)
			}
			for _, m := range mistakes(err) {
				if m.Variable == "" && (m.File == "" || m.Line < 1 || m.Column < 1) || m.Problem == "" {
					t.Fatalf("without a place: %#v", m)
				}
				if strings.ContainsAny(m.Problem+m.Path, "\n\r") {
					t.Fatalf("on several lines: %#v", m)
				}
			}
			return
		}
		checkSound(t, p.Catalog())
		checkSettings(t, p)
	})
}

// checkSound fails unless a catalog can be honoured and refers to nothing that
// is not there.
func checkSound(t *testing.T, c policy.Catalog) {
	t.Helper()
	for name, b := range c.CircuitBreakers {
		if err := b.Validate(); err != nil || b.IsReference() {
			t.Errorf("circuit breaker %q: %v: %v", name, b, err)
		}
	}
	for name, l := range c.RateLimiters {
		if err := l.Validate(); err != nil || l.IsReference() {
			t.Errorf("rate limiter %q: %v: %v", name, l, err)
		}
	}
	for name, p := range c.Policies {
		if err := p.Validate(); err != nil {
			t.Errorf("policy %q: %v", name, err)
		}
		for _, layer := range policy.Layers(p) {
			switch layer := layer.(type) {
			case policy.CircuitBreaker:
				if _, ok := c.CircuitBreakers[layer.Name]; layer.Name != "" && !ok {
					t.Errorf("policy %q: no circuit breaker %q", name, layer.Name)
				}
			case policy.RateLimit:
				if _, ok := c.RateLimiters[layer.Name]; layer.Name != "" && !ok {
					t.Errorf("policy %q: no rate limiter %q", name, layer.Name)
				}
			}
		}
	}
	known := func(name string) bool {
		_, ok := c.Policies[name]
		return ok || name == "none"
	}
	for id, s := range c.Services {
		if s.Policy != "" && !known(s.Policy) {
			t.Errorf("service %q: no policy %q", id, s.Policy)
		}
		for method, name := range s.Methods {
			if !known(name) {
				t.Errorf("service %q, method %q: no policy %q", id, method, name)
			}
		}
	}
}
