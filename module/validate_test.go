package module_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// refund is a second dependency.
type refund func(ctx context.Context, amount int) error

func newRefund() refund { return func(context.Context, int) error { return nil } }

func retries(names ...string) policy.Catalog {
	c := policy.Catalog{Policies: map[string]policy.Policy{}}
	for _, name := range names {
		c.Policies[name] = policy.Retry{}
	}
	return c
}

func TestValidate(t *testing.T) {
	withServices := func(c policy.Catalog, ids ...string) policy.Catalog {
		c.Services = map[string]policy.Service{}
		for _, id := range ids {
			c.Services[id] = policy.Service{Policy: "none"}
		}
		return c
	}
	for name, tt := range map[string]struct {
		options fx.Option
		want    []string // in the error; none: no error
		not     string   // not in it
	}{
		"nothing is wrong": {
			options: fx.Options(
				module.New(module.WithCatalog(withServices(retries("external_api"), "module_test.charge", "github.com/cladgo/clad/module_test.refund"))),
				fx.Provide(container.Tag(failing(0), "external_api"), container.Tag(newRefund, "none")),
				fx.Invoke(func(charge, refund) {}),
			),
		},
		"a service may be a function without a type, or in a module of its own": {
			options: fx.Options(
				module.New(module.WithCatalog(withServices(retries("p"), "module_test.unnamed", "module_test.refund", "module_test.charge"))),
				fx.Provide(container.Tag(unnamed, "p"), container.Tag(fx.Annotate(failing(0), fx.ResultTags(`group:"all"`)), "p")),
				fx.Module("inner", fx.Provide(fx.Private, container.Tag(newRefund, "none"))),
			),
		},
		"mistakes in the profile": {
			options: module.New(module.WithFS(files(map[string]string{"development.yaml": "policies:\n  p: {retyr: 3}\n  q: {timeout: 5}\n"}))),
			want:    []string{"development.yaml:2", `"retry"`, "development.yaml:3"},
		},
		"no such profile": {
			options: module.New(module.WithFS(files(map[string]string{"production.yaml": "{}"})), module.WithProfile("prodution")),
			want:    []string{"prodution", "production"},
		},
		"mistakes in a catalog": {
			options: module.New(module.WithCatalog(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.CircuitBreaker{Name: "missing"}}})),
			want:    []string{"missing"},
		},
		"all misspelt policies in tags, needed or not": {
			options: fx.Options(
				module.New(module.WithCatalog(retries("external_api", "database"))),
				fx.Provide(container.Tag(failing(0), "extrenal_api"), container.Tag(newRefund, "databas")),
				fx.Invoke(func(charge) {}),
			),
			want: []string{`"extrenal_api"`, `did you mean "external_api"?`, "failing", `"databas"`, `did you mean "database"?`, "newRefund"},
			not:  "missing type",
		},
		"in modules too, and private ones": {
			options: fx.Options(
				fx.Module("inner", fx.Provide(fx.Private, container.Tag(newRefund, "databas"))),
				fx.Module("clad", module.New(module.WithCatalog(retries("database")))),
			),
			want: []string{`did you mean "database"?`},
		},
		"what Fx finds": {
			options: fx.Options(module.New(module.WithCatalog(retries("p"))), fx.Invoke(func(charge) {})),
			want:    []string{"missing type: module_test.charge"},
		},
		"what Fx finds beside a misspelt policy": {
			options: fx.Options(
				module.New(module.WithCatalog(retries("database"))),
				fx.Provide(container.Tag(newRefund, "databas")),
				fx.Invoke(func(charge) {}),
			),
			want: []string{`did you mean "database"?`, "missing type: module_test.charge"},
		},
		"nothing that can be wrapped": {
			options: fx.Options(module.New(module.WithCatalog(retries("p"))), fx.Provide(container.Tag(func() int { return 1 }, "p"))),
			want:    []string{"nothing that it provides can be wrapped"},
		},
		"services under names and in groups": {
			options: fx.Options(
				module.New(module.WithCatalog(withServices(retries("p"), "module_test.charge[stripe]", "github.com/cladgo/clad/module_test.charge[]",
					"module_test.refund[all#2]", "module_test.refund[all]", "module_test.refund", "http.Client", "module_test.counted#2"))),
				fx.Provide(
					container.Tag(failing(0), "p"),
					container.Tag(fx.Annotate(failing(0), fx.ResultTags(`name:"stripe"`)), "p"),
					container.Tag(fx.Annotate(newRefund, fx.ResultTags(`group:"all"`)), "p"),
					container.Tag(fx.Annotate(newRefund, fx.ResultTags(`group:"all"`)), "p"),
					container.Tag(func() counted { return nil }, "p"),
					container.Tag(func() *http.Client { return nil }, "p"),
				),
			),
		},
		"services that may be several": {
			options: fx.Options(
				module.New(module.WithCatalog(withServices(retries("p"), "module_test.charge", "module_test.charge[strip]"))),
				fx.Provide(
					container.Tag(failing(0), "p"),
					container.Tag(fx.Annotate(failing(0), fx.ResultTags(`name:"stripe"`)), "p"),
				),
			),
			want: []string{`"module_test.charge" may mean module_test.charge[] or module_test.charge[stripe]`, `"module_test.charge[strip]"`, `did you mean "module_test.charge[stripe]"?`},
		},
		"a service that has a fallback": {
			options: fx.Options(
				module.New(module.WithCatalog(withServices(retries("p"), "module_test.charge", "module_test.charge[fallback]", "github.com/cladgo/clad/module_test.charge"))),
				fx.Provide(container.Tag(failing(0), "p", container.Fallback(failing(0)))),
			),
		},
		"services that nothing provides": {
			options: fx.Options(
				module.New(module.WithCatalog(withServices(retries("p"), "module_test.chrage", "module_test.refund", "example.com/else/where.Ledger"))),
				fx.Provide(container.Tag(failing(0), "p"), container.Tag(newRefund, "p")),
			),
			want: []string{`"module_test.chrage"`, `did you mean "module_test.charge"?`, `"example.com/else/where.Ledger"`, "there are: module_test.charge, module_test.refund"},
		},
		"clad is not there": {
			options: fx.Provide(newRefund),
			want:    []string{"module.New"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := module.Validate(tt.options)
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatalf("no error; want one with %q", tt.want)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in:\n%v", want, err)
				}
			}
			if tt.not != "" && strings.Contains(err.Error(), tt.not) {
				t.Errorf("%q is in:\n%v", tt.not, err)
			}
		})
	}
}

type counted func(context.Context) error

func init() {
	container.RegisterWrapper(func(next *http.Client, _ container.Methods) *http.Client { return next })
}

func unnamed() func(context.Context) error { return nil }

func TestValidateTellsMistakesByType(t *testing.T) {
	err := module.Validate(module.New(module.WithFS(files(map[string]string{"development.yaml": "policies:\n  p: {retyr: 3}\n"}))))
	var mistakes config.Mistakes
	if !errors.As(err, &mistakes) || len(mistakes) != 1 || mistakes[0].Line != 2 {
		t.Errorf("got %v; want the mistake of line 2", err)
	}
}

// Validate is for tests: whatever an application does when it is built or
// started must not be done there.
func TestValidateRunsNothingOfTheApplication(t *testing.T) {
	ran := func(what string) { t.Errorf("%s was run", what) }
	app := func(policyName string) fx.Option {
		return fx.Options(
			fx.RecoverFromPanics(),
			fx.Provide(
				container.Tag(func(lc fx.Lifecycle) charge {
					ran("a tagged constructor")
					lc.Append(fx.StartHook(func() { ran("its hook") }))
					return nil
				}, policyName),
				func() *strings.Builder { ran("a constructor"); return nil },
				fx.Annotate(newRefund, fx.OnStart(func(context.Context) error { ran("an annotated hook"); return nil })),
			),
			fx.Supply(7),
			fx.Decorate(
				func(o *container.Orchestrator) *container.Orchestrator { ran("a decorator of ours"); return o },
				func(n int) int { ran("a decorator"); return n },
			),
			fx.WithLogger(func(*strings.Builder) fxevent.Logger { ran("the logger's constructor"); return fxevent.NopLogger }),
			fx.Module("inner",
				fx.WithLogger(func(*strings.Builder) fxevent.Logger {
					ran("a module's logger's constructor")
					return fxevent.NopLogger
				}),
				fx.Invoke(func(int, charge) { ran("an invoked function of a module") }),
			),
			fx.Invoke(func(charge, refund, *module.Reloader) { ran("an invoked function") }),
			module.New(
				module.WithFS(files(map[string]string{"development.yaml": profile})),
				module.WithReload(),
				module.WithReloadListener(func(module.Outcome) { ran("a listener") }),
				module.WithContainer(container.OnTransition(func(container.Transition) { ran("a listener") })),
			),
		)
	}
	if err := module.Validate(app("external_api")); err != nil {
		t.Error(err)
	}
	if err := module.Validate(app("extrenal_api")); err == nil || !strings.Contains(err.Error(), `did you mean "external_api"?`) {
		t.Errorf("got %v; want the misspelt policy", err)
	}
}
