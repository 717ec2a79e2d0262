package config_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// knowing loads the profile test of a single file, with errors of these names.
func knowing(text string, names []string, environ ...string) (*config.Profile, error) {
	return config.Loader{Errors: names}.Load(files("test.yaml", text), "test", environ)
}

func TestErrorsOfAPolicy(t *testing.T) {
	names := func(list ...string) (errs []error) {
		for _, name := range list {
			errs = append(errs, policy.ErrorName(name))
		}
		return errs
	}
	for name, tt := range map[string]struct {
		base, profile string
		environ       []string
		want          policy.Errors
	}{
		"all of them": {
			profile: "policies: {p: {errors: {answers: [redis.Nil, no customer], failures: [sql.ErrNoRows], refusals: [a/b.C]}}}",
			want:    policy.Errors{Answers: names("redis.Nil", "no customer"), Failures: names("sql.ErrNoRows"), Refusals: names("a/b.C")},
		},
		"empty lists": {
			profile: "policies: {p: {errors: {answers: [redis.Nil], failures: [], refusals: []}}}",
			want:    policy.Errors{Answers: names("redis.Nil")},
		},
		"a list replaces": {
			base:    "policies: {p: {errors: {answers: [a, b], failures: [c]}}}",
			profile: "policies: {p: {errors: {answers: [d], failures: []}}}",
			want:    policy.Errors{Answers: names("d")},
		},
		"by a variable": {
			profile: "policies: {p: {errors: {failures: [x]}}}",
			environ: []string{"CLAD__POLICIES__P__ERRORS__ANSWERS=redis.Nil, no customer"},
			want:    policy.Errors{Answers: names("redis.Nil", "no customer"), Failures: names("x")},
		},
		"nothing": {profile: "policies: {p: {errors: {}}}"},
	} {
		t.Run(name, func(t *testing.T) {
			p := catalog(t, tt.base, tt.profile, tt.environ...).Policies["p"]
			if !policy.Equal(p, tt.want) {
				t.Errorf("%v, want %v", p, tt.want)
			}
		})
	}
}

func TestErrorsStandInnermost(t *testing.T) {
	const layers = "{errors: {answers: [a]}, attempt_timeout: 1s, circuit_breaker: {}, retry: 2"
	for text, want := range map[string]string{
		layers + "}": "[policy.Retry policy.CircuitBreaker policy.Timeout policy.Errors]",
		layers + ", order: [retry, errors, circuit_breaker, attempt_timeout]}": "[policy.Retry policy.Errors policy.CircuitBreaker policy.Timeout]",
	} {
		var kinds []string
		for _, l := range policy.Layers(catalog(t, "", "policies: {p: "+text+"}").Policies["p"]) {
			kinds = append(kinds, fmt.Sprintf("%T", l))
		}
		if got := fmt.Sprint(kinds); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Names of errors are known to the code alone, but a wrong one is a mistake of the
// profile, at its place, beside all others.
func TestWrongNamesOfErrorsAreMistakes(t *testing.T) {
	known := []string{"sql.ErrNoRows", "redis.Nil", "redis.TxFailedErr"}
	_, err := knowing(`
policies:
  a: {errors: {answers: [redis.Nil, redis.Nill], failures: [io.EOF]}, retyr: 2}
  b: {errors: {answers: [sql.ErrNoRows], refusals: [redis.Nil, sql.ErrNoRows]}}
  c: {errors: {answers: [redis.Nil, redis.Nil], failures: ["", 7, "a,b"]}}
  d: {errors: {answers: redis.Nil, answrs: []}}
  e: {extends: a}
`, known, "CLAD__POLICIES__B__ERRORS__FAILURES=redis.TxFailed")
	wantError(t, err,
		`test.yaml:3:37: policies.a.errors.answers: there is no error of the name "redis.Nill" (did you mean "redis.Nil"?); module.WithErrors makes errors known by their names`,
		`test.yaml:3:61: policies.a.errors.failures: there is no error of the name "io.EOF"; there are: redis.Nil, redis.TxFailedErr, sql.ErrNoRows; module.WithErrors`,
		`test.yaml:3:71: policies.a.retyr: unknown key (did you mean "retry"?)`,
		`test.yaml:4:64: policies.b.errors.refusals: "sql.ErrNoRows" is among answers as well (test.yaml:4:26); it can have one meaning`,
		`test.yaml:5:37: policies.c.errors.answers: redis.Nil stands here a second time`,
		`test.yaml:5:60: policies.c.errors.failures: "" is no name that can stand here; write the name of an error, such as redis.Nil, without commas`,
		`test.yaml:5:64: policies.c.errors.failures: must be a name, not 7`,
		`test.yaml:5:67: policies.c.errors.failures: "a,b" is no name that can stand here`,
		`test.yaml:6:25: policies.d.errors.answers: must be a list of names, not "redis.Nil"`,
		`test.yaml:6:36: policies.d.errors.answrs: unknown key (did you mean "answers"?)`,
		`environment variable CLAD__POLICIES__B__ERRORS__FAILURES: policies.b.errors.failures: there is no error of the name "redis.TxFailed" (did you mean "redis.TxFailedErr"?)`)
	if n := len(mistakes(err)); n != 11 {
		t.Errorf("%d mistakes, want 11:\n%v", n, err)
	}
}

func TestNamesOfErrorsAreTakenAsTheyAreWhereNoneAreKnown(t *testing.T) {
	const text = "policies: {a: {errors: {answers: [nobody.Knows]}}}"
	if _, err := knowing(text, nil); err != nil {
		t.Error(err)
	}
	_, err := knowing(text, []string{})
	wantError(t, err, `there is no error of the name "nobody.Knows"; there are: none`)
	known := []string{"z", "nobody.Knows"}
	if _, err := knowing(text, known); err != nil || !slices.Equal(known, []string{"z", "nobody.Knows"}) {
		t.Errorf("%v, %q", err, known)
	}
}
