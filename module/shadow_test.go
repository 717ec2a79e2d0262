package module_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

func profiles(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name+".yaml"] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestADryRunBesideTheProfile(t *testing.T) {
	files := map[string]string{
		"development": "shadow: candidate\npolicies: {external_api: {retry: 1}}",
		"candidate":   "policies: {external_api: {circuit_breaker: {failure_threshold: 2, recovery_timeout: 1h}}}",
		"other":       "policies: {external_api: {circuit_breaker: {failure_threshold: 1, recovery_timeout: 1h}}}",
	}
	for name, test := range map[string]struct {
		opts     []module.Option
		profile  string
		rejected uint64
	}{
		"by the profile":      {nil, "candidate", 3},
		"by an option":        {[]module.Option{module.WithShadow("other")}, "other", 4},
		"of policies in code": {[]module.Option{module.WithCatalog(policy.Catalog{Policies: map[string]policy.Policy{"external_api": policy.None{}}}), module.WithShadow("other")}, "other", 4},
		"there is none":       {[]module.Option{module.WithProfile("candidate")}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			var charge charge
			var o *container.Orchestrator
			app := fxtest.New(t, fx.NopLogger,
				module.New(append([]module.Option{module.WithFS(profiles(files)), module.WithProfile("development")}, test.opts...)...),
				fx.Provide(container.Tag((&shop{attempts: &atomic.Int64{}}).newCharge, "external_api")), fx.Populate(&charge, &o))
			defer app.RequireStart().RequireStop()
			for range 5 {
				_, _ = charge(t.Context(), 1)
			}
			s, ok := o.Shadow()
			if ok != (test.profile != "") || s.Profile != test.profile || s.CircuitBreakerRejections != test.rejected {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestMistakesOfADryRun(t *testing.T) {
	tests := map[string]struct {
		development, candidate string
		opts                   []module.Option
		want                   []string
	}{
		"misspelt":       {"shadow: candidat", "", nil, []string{`development.yaml:1:9: shadow: there is no profile "candidat"`, `did you mean "candidate"?`}},
		"by an option":   {"reload: false", "", []module.Option{module.WithShadow("candidat")}, []string{`the dry run of profile "candidat": `, `did you mean "candidate"?`}},
		"itself":         {"reload: false", "", []module.Option{module.WithShadow("development")}, []string{`the dry run of profile "development": that is the profile in force`}},
		"mistakes":       {"shadow: candidate", "policies: {external_api: {retyr: 3}}", nil, []string{`the dry run of profile "candidate": mistakes in it:`, `candidate.yaml:1:27: policies.external_api.retyr: `}},
		"lacks a policy": {"shadow: candidate", "policies: {external: none}", nil, []string{`the dry run of profile "candidate": `, `"external_api"`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"development": test.development + "\npolicies: {external_api: none}", "candidate": test.candidate}
			clad := module.New(append([]module.Option{module.WithFS(profiles(files)), module.WithProfile("development")}, test.opts...)...)
			opts := fx.Options(clad, fx.NopLogger, fx.Provide(container.Tag((&shop{attempts: &atomic.Int64{}}).newCharge, "external_api")), fx.Invoke(func(charge) {}))
			for what, err := range map[string]error{"startup": fx.New(opts).Err(), "Validate": module.Validate(opts)} {
				for _, want := range test.want {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: no %q in: %v", what, want, err)
					}
				}
			}
		})
	}
}

// The candidate's file is watched as the profile's is, also one that a reload has just
// chosen; one that is not sound leaves the last, and keeps nothing else from its force.
func TestADryRunFollowsItsFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("development", "policies: {external_api: {retry: 1}}")
	save("candidate", "policies: {external_api: {circuit_breaker: {failure_threshold: 1, recovery_timeout: 1h}}}")
	var charge charge
	var o *container.Orchestrator
	var log buffer
	s := &shop{attempts: &atomic.Int64{}}
	app := fxtest.New(t, fx.NopLogger, module.New(module.WithConfigDir(dir), module.WithProfile("development"), module.WithReload(), byEvents, module.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))),
		fx.Provide(container.Tag(s.newCharge, "external_api")), fx.Populate(&charge, &o))
	defer app.RequireStart().RequireStop()
	if _, ok := o.Shadow(); ok {
		t.Error("there is a dry run")
	}

	save("development", "shadow: candidate\npolicies: {external_api: {retry: 1}}")
	eventually(t, func() bool { s, ok := o.Shadow(); return ok && s.Profile == "candidate" })
	_, _ = charge(t.Context(), 1)
	_, _ = charge(t.Context(), 1)
	if s, _ := o.Shadow(); s.CircuitBreakerRejections != 1 {
		t.Errorf("%+v", s)
	}

	save("candidate", "policies: {external_api: {circuit_breaker: {failure_threshold: 1, recovery_timeout: 1h}, retyr: 1}}")
	eventually(t, func() bool { return strings.Contains(log.String(), "the last good candidate stays") })
	if p, ok := o.PolicyOf("external_api"); !ok || p.String() != "retry(1 attempt)" {
		t.Errorf("%v", p)
	}
	_, _ = charge(t.Context(), 1)
	if s, _ := o.Shadow(); s.CircuitBreakerRejections != 2 {
		t.Errorf("%+v", s)
	}

	save("candidate", "policies: {external_api: none}")
	eventually(t, func() bool { s, _ := o.Shadow(); return len(s.CircuitBreakers) == 0 })
	save("development", "policies: {external_api: {retry: 1}}")
	eventually(t, func() bool { _, ok := o.Shadow(); return !ok })
}
