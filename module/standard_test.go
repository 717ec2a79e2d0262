package module_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

// Whoever has not thought of a policy yet has the standard one, however it comes
// about, and startup says who that is.
func TestServicesWithoutAPolicyGoByTheStandardOne(t *testing.T) {
	for name, opts := range map[string][]module.Option{
		"in the profile": {module.WithFS(files(map[string]string{"development.yaml": profile + "standard: true\n"}))},
		"in code":        {module.WithFS(files(map[string]string{"development.yaml": profile})), module.Standard()},
		"a catalog":      {module.WithCatalog(policy.Catalog{}), module.Standard()},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			var o *container.Orchestrator
			var call charge
			options := append(slices.Clip(opts), module.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
			app := fxtest.New(t, module.New(options...),
				fx.Provide(container.Tag(failing(5), "")), fx.Populate(&o, &call))
			app.RequireStart()
			defer app.RequireStop()
			for range 5 {
				if _, err := call(t.Context(), 1); err == nil || strings.Contains(err.Error(), "circuit") {
					t.Errorf("got %v; want the failures of the dependency, which nothing repeats", err)
				}
			}
			if _, err := call(t.Context(), 1); !policy.IsServiceUnavailable(err) {
				t.Errorf("after five failures: %v", err)
			}
			if s := o.Services(); len(s) != 1 || s[0].Methods[0].Policy != policy.StandardName {
				t.Errorf("services: %+v", s)
			}
			for _, want := range []string{"go by the standard one", "timeout(10s)", "services=[module_test.charge]"} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("startup does not say %q:\n%s", want, out.String())
				}
			}
		})
	}
}

func TestWithoutAStandardPolicyATagNeedsAName(t *testing.T) {
	options := fx.Options(fx.NopLogger,
		module.New(module.WithFS(files(map[string]string{"development.yaml": profile}))),
		fx.Provide(container.Tag(failing(0), "")))
	for name, err := range map[string]error{
		"startup":  fx.New(options).Err(),
		"Validate": module.Validate(options),
	} {
		if err == nil || !strings.Contains(err.Error(), "module.Standard() makes one") || !strings.Contains(err.Error(), "failing") {
			t.Errorf("%s: got %v; want what to do, and whose tag it is", name, err)
		}
	}
}

// A catalog of the code that has its own keeps it, and is not changed.
func TestACatalogsOwnStandardPolicyStays(t *testing.T) {
	own := policy.Catalog{Policies: map[string]policy.Policy{policy.StandardName: policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}}}
	without := policy.Catalog{Policies: map[string]policy.Policy{"other": policy.None{}}}
	for _, c := range []policy.Catalog{own, without} {
		var call charge
		app := fxtest.New(t, module.New(module.WithCatalog(c), module.Standard()),
			fx.Provide(container.Tag(failing(1), "")), fx.Populate(&call))
		app.RequireStart()
		_, err := call(t.Context(), 1)
		if _, kept := c.Policies["other"]; kept != (err != nil) {
			t.Errorf("with %v: %v", c.Policies, err)
		}
		app.RequireStop()
	}
	if len(without.Policies) != 1 {
		t.Error("the catalog was changed")
	}
	if config.Standard().Validate() != nil {
		t.Error("it is not sound")
	}
}
