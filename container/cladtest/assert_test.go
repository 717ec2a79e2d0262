package cladtest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladtest"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

func TestAProfileMayBeIndentedAsTheCodeIs(t *testing.T) {
	c := cladtest.Catalog(t, `
		policies:
		  bank:
		    retry: 2

		  none_at_all: none
	`)
	if got := c.Policies["bank"].String(); !strings.HasPrefix(got, "retry(2 attempts") || len(c.Policies) != 2 {
		t.Errorf("%v", c.Policies)
	}
}

func TestMistakesOfAProfileEndTheTest(t *testing.T) {
	said := spied(func(t testing.TB) {
		cladtest.Orchestrator(t, "policies:\n  bank: {retyr: 3, timeout: 5}\n")
		t.Errorf("it went on")
	})
	for _, want := range []string{`inline.yaml:2:10: policies.bank.retyr: `, `did you mean "retry"`, "inline.yaml:2:", "   2    bank: {retyr: 3, timeout: 5}"} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
	if strings.Contains(said, "went on") {
		t.Error(said)
	}
	said = spied(func(t testing.TB) {
		cladtest.Orchestrator(t, "policies: {a: {errors: {answers: [nobody.Knows]}, retry: 2}}")
	})
	if !strings.Contains(said, "nobody.Knows") {
		t.Errorf("it said %q", said)
	}
}

// The environment of whoever runs the tests changes nothing.
func TestProfilesDoNotHeedTheEnvironment(t *testing.T) {
	t.Setenv("CLAD__POLICIES__BANK__RETRY__MAX_ATTEMPTS", "9")
	t.Setenv("CLAD_PROFILE", "production")
	var o *container.Orchestrator
	app := fxtest.New(t, cladtest.Module(t, "policies: {bank: {retry: 2}}", module.WithContainer(cladtest.NewRecord(t))), fx.Populate(&o))
	app.RequireStart().RequireStop()
	if p, ok := o.PolicyOf("bank"); !ok || !strings.HasPrefix(p.String(), "retry(2 attempts") {
		t.Errorf("%v", p)
	}
}

func TestAssertLayers(t *testing.T) {
	o := cladtest.Orchestrator(t, bank)
	tests := map[string]struct {
		operation string
		want      []string
		said      string
	}{
		"kinds":        {"bank", []string{"timeout", "retry", "circuit_breaker", "timeout"}, ""},
		"settings":     {"bank", []string{"timeout(1m0s)", "retry", "circuit_breaker", "timeout(2s)"}, ""},
		"none":         {"plain", nil, ""},
		"none, wanted": {"plain", []string{"retry"}, "plain is not guarded as it should be, outermost first (- want, + is):\n    - retry"},
		"others": {"bank", []string{"retry", "timeout(1m0s)", "circuit_breaker", "bulkhead", "timeout(2s)"}, `bank is not guarded as it should be, outermost first (- want, + is):
    - retry
      timeout(1m0s)
    + retry(3 attempts, fixed 10s)
      circuit_breaker(5 failures in a row, open 1m0s, 3 probes of 30s)
    - bulkhead
      timeout(2s)`},
		"unknown": {"bankk", nil, `no operation "bankk"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			said := spied(func(t testing.TB) { cladtest.AssertLayers(t, o, test.operation, test.want...) })
			if test.said == "" && said != "" || !strings.HasPrefix(said, test.said) {
				t.Errorf("it said\n%s\nwant\n%s", said, test.said)
			}
		})
	}
}

func TestAssertionsTellWhatHappened(t *testing.T) {
	said := spied(func(t testing.TB) {
		faults, record := cladtest.NewFaults(t), cladtest.NewRecord(t)
		o := cladtest.Orchestrator(t, "policies: {bank: {retry: {max_attempts: 2, backoff: {type: fixed, delay: 1ns}}, circuit_breaker: {failure_threshold: 2}}}", faults, record)
		faults.On("bank").Nth(1, 2).Fail(errBusy)
		runner, _ := o.Pipeline("bank")
		_ = runner.Run(context.Background(), func(context.Context) error { return nil })
		record.AssertAttempts("bank", 1, 1)
		record.AssertAttempts("bankk", 1)
		cladtest.AssertTotals(t, o, "bank", policy.Totals{TotalOperations: 1, SuccessfulOperations: 1, RetryAttempts: 1})
		cladtest.AssertTotals(t, o, "bankk", policy.Totals{TotalOperations: 1})
		cladtest.AssertTotals(t, o, "bankk", policy.Totals{})
		cladtest.AssertCircuitBreaker(t, o, "bank", policy.StateClosed)
		cladtest.AssertCircuitBreaker(t, o, "bankk", policy.StateClosed)
	})
	for _, want := range []string{
		"bank: the calls took [2] attempts, want [1 1]; what happened:\n    attempt 1 failed",
		"\n    attempt 2 of 2 follows after 1ns",
		"\n    tripped circuit breaker bank",
		"\n    = after 2 attempts and ",
		"bankk: the calls took [] attempts, want [1]; nothing happened to it, but to: bank",
		"bank counted something else:\n    SuccessfulOperations: 0, want 1\n    FailedOperations: 1, want 0\n    CircuitBreakerTrips: 1, want 0",
		"bankk has not run (did you mean \"bank\"?); what has: bank",
		"circuit breaker bank is open (automatic since ",
		"no circuit breaker \"bankk\" (did you mean \"bank\"?); there are: bank",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("no %q in:\n%s", want, said)
		}
	}
}
