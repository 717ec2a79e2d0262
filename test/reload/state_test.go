package reload_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

func answers(context.Context, int) (string, error) { return "receipt", nil }
func fails(context.Context, int) (string, error)   { return "", errors.New("down") }

// Unchanged breakers once lost their state at every reload: an open one let the
// calls through again.
func TestAnOpenBreakerSurvivesAnUnrelatedEdit(t *testing.T) {
	for name, profile := range map[string]string{
		"named": `
circuit_breakers: {bank: {failure_threshold: 3, recovery_timeout: 1h}}
policies: {external_api: {circuit_breaker: bank}, other: {retry: %d}}`,
		"unnamed": `policies: {external_api: {circuit_breaker: {failure_threshold: 3, recovery_timeout: 1h}}, other: {retry: %d}}`,
		"with another layer around it": `
policies: {external_api: {timeout: %ds, circuit_breaker: {failure_threshold: 3, recovery_timeout: 1h}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, directory(t, fmt.Sprintf(profile, 2)), fails)
			for range 3 {
				_ = s.charge()
			}
			var before, after *policy.CircuitOpenError
			if err := s.charge(); !errors.As(err, &before) {
				t.Fatalf("got %v; want an open circuit", err)
			}
			for n := range 3 {
				s.edit(fmt.Sprintf(profile, 3+n))
			}
			if err := s.charge(); !errors.As(err, &after) || after.RetryAfter > before.RetryAfter || after.RetryAfter < before.RetryAfter-time.Minute {
				t.Errorf("got %v after the reload; want the circuit open as long as before: %v", err, before)
			}
		})
	}
}

func TestAChangedBreakerStartsANewCount(t *testing.T) {
	const profile = `policies: {external_api: {circuit_breaker: {failure_threshold: %d, recovery_timeout: 1h}}}`
	s := open(t, directory(t, fmt.Sprintf(profile, 3)), fails)
	for range 2 {
		_ = s.charge()
	}
	s.edit(fmt.Sprintf(profile, 2))
	for n := range 3 {
		if err := s.charge(); errors.Is(err, policy.ErrCircuitOpen) != (n == 2) {
			t.Errorf("call %d after the change: %v; want the circuit open after two", n+1, err)
		}
	}
}

// Changing a rate once filled the bucket: whoever changed it often enough had no
// limit at all.
func TestALimiterKeepsItsTokens(t *testing.T) {
	for name, profile := range map[string]string{
		"named": `
rate_limiters: {calls: {requests_per_second: 0.00%d, burst: %d}}
policies: {external_api: {rate_limit: calls}}`,
		"unnamed": `policies: {external_api: {rate_limit: {requests_per_second: 0.00%d, burst: %d}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, directory(t, fmt.Sprintf(profile, 1, 5)), answers)
			for range 4 {
				if err := s.charge(); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 3 { // another rate, then a greater burst
				s.edit(fmt.Sprintf(profile, 2+n, 5+n))
			}
			if err := s.charge(); err != nil {
				t.Errorf("the token that was left is gone: %v", err)
			}
			if err := s.charge(); !errors.Is(err, policy.ErrRateLimited) {
				t.Errorf("got %v; want no tokens but those that were left", err)
			}
		})
	}
}

// Deleted keys once lived on.
func TestWhatIsDeletedGoes(t *testing.T) {
	s := open(t, directory(t, `
circuit_breakers: {bank: {}}
rate_limiters: {calls: {requests_per_second: 0.001, burst: 1}}
policies: {external_api: {rate_limit: calls, circuit_breaker: bank}, unused: {retry: 2}, free: {retry: 2}}
services: {reload_test.bank: {methods: {Refund: free}}}`), answers)
	must(t, s.charge())
	s.edit(`policies: {external_api: {retry: 2}}`)
	if err := s.charge(); err != nil {
		t.Errorf("the limiter lives on: %v", err)
	}
	if _, ok := s.orchestrator.CircuitBreaker("bank"); ok {
		t.Error("the breaker lives on")
	}
	if _, ok := s.orchestrator.RateLimiter("calls"); ok {
		t.Error("the limiter is still registered")
	}
	for _, name := range []string{"unused", "free"} {
		if _, err := s.orchestrator.Pipeline(name); err == nil {
			t.Errorf("the policy %s lives on", name)
		}
	}
}

func TestServicesAreChosenAnew(t *testing.T) {
	const policies = "policies: {external_api: {retry: {max_attempts: 2, backoff: {type: fixed, delay: 0s}}}, once: {retry: 1}}\n"
	attempts := 0
	s := open(t, directory(t, policies), func(context.Context, int) (string, error) { attempts++; return "", errors.New("down") })
	for _, tt := range []struct {
		services       string
		charge, refund int
	}{
		{"", 2, 2},
		{"services: {reload_test.bank: {methods: {Refund: once}}}", 2, 1},
		{"services: {reload_test.bank: {policy: once}}", 1, 1},
		{"services: {github.com/cladgo/clad/test/reload_test.bank: {policy: once, methods: {Charge: external_api}}}", 2, 1},
		{"services: {}", 2, 2},
	} {
		if tt.services != "" {
			s.edit(policies + tt.services)
		}
		attempts = 0
		_ = s.charge()
		charged := attempts
		_, _ = s.bank.Refund(t.Context(), 1)
		if refunded := attempts - charged; charged != tt.charge || refunded != tt.refund {
			t.Errorf("%q: %d attempts of Charge and %d of Refund; want %d and %d", tt.services, charged, refunded, tt.charge, tt.refund)
		}
	}
}

// A profile that does not fit the services that run is refused whole: also what
// else it changes does not happen, and the next one that fits takes effect.
func TestAProfileThatDoesNotFitIsRefusedWhole(t *testing.T) {
	const good = `
rate_limiters: {calls: {requests_per_second: 0.001, burst: 2}}
policies: {external_api: {rate_limit: calls}}`
	s := open(t, directory(t, good), answers)
	for name, tt := range map[string]struct{ profile, want string }{
		"a policy in use is gone": {
			`policies: {external_apis: {rate_limit: {requests_per_second: 9}}}`, `no policy "external_api" (did you mean "external_apis"?)`,
		},
		"a method that is not there": {
			`{rate_limiters: {calls: {requests_per_second: 9}}, policies: {external_api: {rate_limit: calls}}, services: {reload_test.bank: {methods: {Refnd: none}}}}`, `(did you mean "Refund"?)`,
		},
	} {
		o := s.after(func() { save(t, s.file, tt.profile) })
		if o.Err == nil || !strings.Contains(o.Err.Error(), tt.want) {
			t.Errorf("%s: got %v; want an error with %s", name, o.Err, tt.want)
		}
		if o := s.after(func() { save(t, s.file, good) }); o.Err != nil {
			t.Error(o.Err)
		}
	}
	for n := range 3 {
		if err := s.charge(); errors.Is(err, policy.ErrRateLimited) != (n == 2) {
			t.Errorf("call %d: %v; want the limits of before, with two tokens", n+1, err)
		}
	}
}

// What a constructor was given under its name stays of use when a profile drops
// the name and brings it back.
func TestNamedValuesOutliveTheirNames(t *testing.T) {
	type named struct {
		fx.In
		Pipeline *container.Pipeline       `name:"extra"`
		Breaker  *container.CircuitBreaker `name:"bank"`
		Limiter  *container.RateLimiter    `name:"calls"`
	}
	var got named
	const without = "policies: {external_api: {retry: 2}"
	const with = without + ", extra: {rate_limit: calls, circuit_breaker: bank}}\ncircuit_breakers: {bank: {}}\nrate_limiters: {calls: {requests_per_second: 0.001, burst: %d}}"
	s := open(t, directory(t, fmt.Sprintf(with, 2)), answers, fx.Invoke(func(n named) { got = n }))
	run := func() error {
		return got.Pipeline.Run(t.Context(), func(context.Context) error { return nil })
	}
	must(t, run(), run())
	s.edit(without + "}")
	if err := run(); !errors.Is(err, policy.ErrRateLimited) {
		t.Errorf("got %v once the policy was gone; want that its protection is not lost to who holds it", err)
	}
	s.edit(fmt.Sprintf(with, 3))
	got.Breaker.ForceOpen()
	if err := run(); !errors.Is(err, policy.ErrCircuitOpen) && !errors.Is(err, policy.ErrRateLimited) {
		t.Errorf("got %v; want the breaker that was forced open, or the empty limiter", err)
	}
	if b, _ := s.orchestrator.CircuitBreaker("bank"); b != got.Breaker {
		t.Error("the breaker that came back is another than the one that was given")
	}
	if l, _ := s.orchestrator.RateLimiter("calls"); l != got.Limiter {
		t.Error("the limiter that came back is another than the one that was given")
	}
	if p, _ := s.orchestrator.Pipeline("extra"); p != policy.Runner(got.Pipeline) {
		t.Error("the pipeline that came back is another than the one that was given")
	}
}

// Whatever is registered in code stays, also if a profile has had it for a while.
func TestWhatIsRegisteredInCodeStays(t *testing.T) {
	const without = "policies: {external_api: {retry: 2}}\n"
	s := open(t, directory(t, without), answers)
	must(t,
		s.orchestrator.RegisterCircuitBreaker("mine", policy.CircuitBreaker{FailureThreshold: 3}),
		s.orchestrator.RegisterRateLimiter("mine", policy.RateLimit{RequestsPerSecond: 3}))
	breaker, _ := s.orchestrator.CircuitBreaker("mine")
	for _, profile := range []string{
		without + "rate_limiters: {other: {requests_per_second: 1}}",
		without + "circuit_breakers: {mine: {failure_threshold: 9}}\nrate_limiters: {mine: {requests_per_second: 9}}",
		without,
	} {
		s.edit(profile)
		if b, _ := s.orchestrator.CircuitBreaker("mine"); b != breaker {
			t.Errorf("the breaker is gone, or another, under\n%s", profile)
		}
		if _, ok := s.orchestrator.RateLimiter("mine"); !ok {
			t.Errorf("the limiter is gone under\n%s", profile)
		}
	}
}

// Every way of saving has the same end: the new profile in force.
func TestEachWayOfSaving(t *testing.T) {
	const profile = "policies: {external_api: {retry: {max_attempts: %d, backoff: {type: fixed, delay: 0s}}}}\n"
	for name, way := range map[string]func(t *testing.T, s *shop, n int, text string){
		"renamed over":            func(t *testing.T, s *shop, _ int, text string) { save(t, s.file, text) },
		"truncated, then written": func(t *testing.T, s *shop, _ int, text string) { write(t, s.file, text) },
		"deleted, then back": func(t *testing.T, s *shop, _ int, text string) {
			s.refuse(func() { must(t, os.Remove(s.file)) })
			write(t, s.file, text)
		},
		"its directory deleted, then back": func(t *testing.T, s *shop, _ int, text string) {
			s.refuse(func() { must(t, os.RemoveAll(s.dir)) })
			write(t, s.file, text)
		},
		"swapped as Kubernetes does": func(t *testing.T, s *shop, n int, text string) {
			if n == 0 {
				must(t, os.Remove(s.file))
			}
			mount(t, s.dir, n, text)
		},
	} {
		t.Run(name, func(t *testing.T) {
			attempts := 0
			s := open(t, directory(t, fmt.Sprintf(profile, 1)), func(context.Context, int) (string, error) { attempts++; return "", errors.New("down") })
			for n := range 4 {
				way(t, s, n, fmt.Sprintf(profile, 2+n))
				eventually(t, func() bool { attempts = 0; _ = s.charge(); return attempts == 2+n })
			}
		})
	}
}
