package module_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

// charge is a dependency that needs no proxy: a function.
type charge func(ctx context.Context, amount int) (string, error)

// failing returns a constructor of a dependency that fails so many times.
func failing(times int) func() charge {
	return func() charge {
		return func(context.Context, int) (string, error) {
			if times > 0 {
				times--
				return "", errors.New("busy")
			}
			return "receipt", nil
		}
	}
}

const profile = `
circuit_breakers:
  payment-service: {failure_threshold: 10}
rate_limiters:
  api-calls: {requests_per_second: 1000, burst: 100}
policies:
  external_api:
    retry: {max_attempts: 3, backoff: {type: fixed, delay: 1ms}}
    rate_limit: api-calls
    circuit_breaker: payment-service
  external_api_once: {extends: external_api, retry: 1}
`

func files(contents map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range contents {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func TestTaggedConstructorsComeOutWrapped(t *testing.T) {
	var call charge
	var o policy.Orchestrator
	app := fxtest.New(t,
		module.New(module.WithFS(files(map[string]string{"production.yaml": profile})), module.WithProfile("production")),
		fx.Provide(container.Tag(failing(2), "external_api")),
		fx.Populate(&call, &o),
	)
	app.RequireStart()
	defer app.RequireStop()
	receipt, err := call(t.Context(), 1)
	if err != nil || receipt != "receipt" {
		t.Fatalf("got %q, %v; want the receipt of the third attempt", receipt, err)
	}
	if m := o.Metrics(); m.TotalOperations != 1 || m.SuccessfulOperations != 1 || m.RetryAttempts != 2 {
		t.Errorf("counted %+v; want total 1, successful 1, retries 2", m.Totals)
	}
}

func TestNamedValuesAreProvided(t *testing.T) {
	type named struct {
		fx.In
		Orchestrator *container.Orchestrator
		Interface    policy.Orchestrator
		Breaker      *container.CircuitBreaker `name:"payment-service"`
		Limiter      *container.RateLimiter    `name:"api-calls"`
		Pipeline     *container.Pipeline       `name:"external_api"`
	}
	var got named
	fxtest.New(t,
		module.New(module.WithFS(files(map[string]string{"development.yaml": profile}))),
		fx.Invoke(func(n named) { got = n }),
	).RequireStart().RequireStop()
	registered, _ := got.Orchestrator.CircuitBreaker("payment-service")
	if got.Breaker == nil || got.Breaker != registered {
		t.Errorf("the named breaker is %p, the registered one %p", got.Breaker, registered)
	}
	if got.Interface != policy.Orchestrator(got.Orchestrator) || got.Limiter == nil || got.Pipeline == nil {
		t.Errorf("incomplete: %+v", got)
	}
}

func TestProfileIsChosenByTheEnvironment(t *testing.T) {
	once := strings.ReplaceAll(profile, "max_attempts: 3", "max_attempts: 1")
	fsys := files(map[string]string{"production.yaml": profile, "development.yaml": once})
	for _, tt := range []struct {
		name, clad, app string
		succeeds        bool
	}{
		{"development by default", "", "", false},
		{"CLAD_PROFILE", "production", "", true},
		{"APP_ENV", "", "production", true},
		{"CLAD_PROFILE beats APP_ENV", "development", "production", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("CLAD_PROFILE", tt.clad)
			t.Setenv("APP_ENV", tt.app)
			var call charge
			fxtest.New(t, module.New(module.WithFS(fsys)),
				fx.Provide(container.Tag(failing(1), "external_api")), fx.Populate(&call),
			).RequireStart().RequireStop()
			if _, err := call(t.Context(), 1); (err == nil) != tt.succeeds {
				t.Errorf("got %v; a second attempt is expected: %v", err, tt.succeeds)
			}
		})
	}
}

func TestConfigDirIsReadFromDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "development.yaml"), []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := fx.ValidateApp(module.New(module.WithConfigDir(dir)), fx.Invoke(func(*container.Orchestrator) {})); err != nil {
		t.Error(err)
	}
	missing := filepath.Join(dir, "confgis")
	err := fx.ValidateApp(module.New(module.WithConfigDir(missing)))
	if err == nil || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "WithConfigDir") {
		t.Errorf("a missing directory: got %v; want an error that names it and says how to mend it", err)
	}
}

// A typo in a profile once meant no protection at all. Here it is the
// application's error, and all of them are reported at once.
func TestMistakesInTheProfileStopTheApplication(t *testing.T) {
	wrong := strings.NewReplacer("max_attempts", "max_attemps", "payment-service\n", "payments-service\n").Replace(profile)
	err := fx.ValidateApp(module.New(module.WithFS(files(map[string]string{"development.yaml": wrong}))))
	if err == nil {
		t.Fatal("the application would start")
	}
	for _, want := range []string{"development.yaml:8", `"max_attempts"`, `"payment-service"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}

func TestMisspeltPolicyInATag(t *testing.T) {
	catalog := policy.Catalog{Policies: map[string]policy.Policy{"external_api": policy.Retry{}, "database": policy.Retry{}}}
	options := fx.Options(
		module.New(module.WithCatalog(catalog)),
		fx.Provide(container.Tag(failing(0), "extrenal_api")),
		fx.NopLogger,
	)
	t.Run("is found by ValidateApp", func(t *testing.T) {
		err := fx.ValidateApp(options, fx.Invoke(func(charge) {}))
		if err == nil || !strings.Contains(err.Error(), "extrenal_api") || !strings.Contains(err.Error(), "failing") {
			t.Errorf("got %v; want an error that names the policy and the constructor", err)
		}
	})
	t.Run("is found at startup, with the right name, even if nothing needs the constructor", func(t *testing.T) {
		err := fx.New(options).Err()
		if err == nil || !strings.Contains(err.Error(), `did you mean "external_api"?`) || !strings.Contains(err.Error(), "failing") {
			t.Errorf("got %v; want an error that suggests the right name", err)
		}
	})
}

func TestStartAndWhatMetNothingIsLogged(t *testing.T) {
	var out bytes.Buffer
	fxtest.New(t, module.New(
		module.WithFS(files(map[string]string{"development.yaml": profile + "services:\n  payments.Gatewy: {policy: external_api_once}\n"})),
		module.WithLogger(slog.New(slog.NewTextHandler(&out, nil))),
	)).RequireStart().RequireStop()
	for _, want := range []string{"clad started", "profile=development", "service=payments.Gatewy"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in the log:\n%s", want, out.String())
		}
	}
}

// A decorator once wrapped for its own module alone, and collided with a second
// one; the rest got the bare service, silently.
func TestServicesAreWrappedInEveryModule(t *testing.T) {
	catalog := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Retry{Backoff: policy.Fixed(0)}}}
	attempts := 0
	everyThird := func() charge {
		return func(context.Context, int) (string, error) {
			if attempts++; attempts%3 != 0 {
				return "", errors.New("busy")
			}
			return "receipt", nil
		}
	}
	var inside, outside charge
	fxtest.New(t,
		fx.Module("payments",
			fx.Provide(container.Tag(everyThird, "p")),
			fx.Module("inner", fx.Invoke(func(c charge) { inside = c })),
		),
		fx.Module("shop", module.New(module.WithCatalog(catalog))), // module.New may stand anywhere
		fx.Invoke(func(c charge) { outside = c }),
	).RequireStart().RequireStop()
	for name, call := range map[string]charge{"inside": inside, "outside": outside} {
		if _, err := call(t.Context(), 1); err != nil {
			t.Errorf("%s: %v; the service came out bare", name, err)
		}
	}
}

func TestTransitionsReachListenersThroughOptions(t *testing.T) {
	var got []container.Transition
	catalog := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.CircuitBreaker{FailureThreshold: 1}}}
	var call charge
	fxtest.New(t,
		module.New(module.WithCatalog(catalog), module.WithContainer(container.OnTransition(func(c container.Transition) { got = append(got, c) }))),
		fx.Provide(container.Tag(failing(1), "p")), fx.Populate(&call),
	).RequireStart().RequireStop()
	_, _ = call(t.Context(), 1)
	if len(got) != 1 || got[0].To != policy.StateOpen {
		t.Errorf("told of %v; want one opening", got)
	}
}

var errUnknownOrder = errors.New("no such order")

// A name of an error in a profile was checked by nobody but the orchestrator, and
// without its place.
func TestErrorsOfAProfileAreKnownByTheNamesOfTheCode(t *testing.T) {
	profile := func(name string) module.Option {
		return module.WithFS(files(map[string]string{"development.yaml": "policies:\n  external_api: {retry: {max_attempts: 3, backoff: {type: fixed, delay: 0s}}, errors: {answers: [sql.ErrNoRows, " + name + "]}}\n"}))
	}
	known := module.WithErrors(map[string]error{"orders.ErrUnknown": errUnknownOrder})
	asked := 0
	var find charge
	app := fxtest.New(t, fx.NopLogger, module.New(profile("orders.ErrUnknown"), known),
		fx.Provide(container.Tag(func() charge {
			return func(context.Context, int) (string, error) {
				asked++
				return "", fmt.Errorf("find: %w", errUnknownOrder)
			}
		}, "external_api")),
		fx.Populate(&find))
	app.RequireStart()
	defer app.RequireStop()
	if _, err := find(t.Context(), 1); !errors.Is(err, errUnknownOrder) || asked != 1 {
		t.Errorf("%v after %d attempts; want the answer after one", err, asked)
	}

	for name, opts := range map[string][]module.Option{
		"misspelt":  {profile("orders.ErrUnkown"), known},
		"not given": {profile("orders.ErrUnknown")},
		"elsewhere": {profile("orders.ErrUnknown"), module.WithContainer(container.WithErrors(map[string]error{"orders.ErrUnknwn": errUnknownOrder}))},
	} {
		err := fx.New(fx.NopLogger, module.New(opts...), fx.Invoke(func(*container.Orchestrator) {})).Err()
		if err == nil || !strings.Contains(err.Error(), `development.yaml:2:113: policies.external_api.errors.answers: there is no error of the name "orders.`) {
			t.Errorf("%s: %v; want a mistake with its place", name, err)
		}
	}
}
