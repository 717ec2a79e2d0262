package module_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"
)

// early is tagged in a package variable, and late's proxy registered by an init,
// as generated code does it.
type early interface {
	Do(ctx context.Context) error
}

type earlyProxy struct {
	next early
	do   *container.Pipeline
}

func (p *earlyProxy) Do(ctx context.Context) (err error) {
	call := p.do.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Do(call.Context())
	}
	return err
}

type worker struct{ calls int }

func (w *worker) Do(context.Context) error {
	if w.calls++; w.calls < 3 {
		return errors.New("busy")
	}
	return nil
}

func newWorker() early { return &worker{} }

// orphan has no proxy.
type orphan interface {
	Do(ctx context.Context) error
}

// Each stands alone, since the one is to be built without the other.
var (
	cladInAVariable = module.New(module.WithCatalog(retries("external_api")))
	tagInAVariable  = fx.Module("early", fx.Provide(container.Tag(newWorker, "external_api", container.Method("Do", "external_api"))))
)

func init() {
	container.RegisterProxy(func(next early, m container.Methods) early { return &earlyProxy{next, m.Method("Do")} })
}

// Neither of these once started: Tag looked for the proxy at once.
func TestTagsInPackageVariables(t *testing.T) {
	for name, clad := range map[string]fx.Option{
		"and clad at run time":          module.New(module.WithCatalog(retries("external_api"))),
		"and clad in one as well":       cladInAVariable,
		"and clad's variable once more": cladInAVariable,
	} {
		t.Run(name, func(t *testing.T) {
			do := fx.Invoke(func(e early) error { return e.Do(t.Context()) })
			for _, opts := range [][]fx.Option{{clad, tagInAVariable, do}, {tagInAVariable, do, clad}} {
				if err := fx.ValidateApp(opts...); err != nil {
					t.Error(err)
				}
				if err := module.Validate(opts...); err != nil {
					t.Error(err)
				}
				if err := fx.New(fx.NopLogger, fx.Options(opts...)).Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// They are reported together, though nothing needs them.
func TestMissingProxiesAreReportedAtOnce(t *testing.T) {
	ran := func() (orphan, error) { t.Error("a constructor ran"); return nil, nil }
	clad := module.New(module.WithCatalog(retries("database")))
	tagged := fx.Provide(
		container.Tag(ran, "database"),
		container.Tag(fx.Annotate(ran, fx.ResultTags(`name:"second"`)), "databse"),
		container.Tag(func() *worker { t.Error("a constructor ran"); return nil }, "database"),
		container.Tag(newWorker, "database", container.Method("Doo", "database")),
	)
	want := []string{
		"no proxy for the interface module_test.orphan", "in package github.com/cladgo/clad/module_test at ", "startup_test.go:", "go tool clad gen",
		`did you mean "database"?`,
		"nothing that it provides can be wrapped: *module_test.worker",
		`container.Method("Doo"): there is no such method (did you mean "Do"?)`,
	}
	for name, err := range map[string]error{
		"startup":  fx.New(fx.NopLogger, clad, tagged).Err(),
		"Validate": module.Validate(clad, tagged),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, want := range want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is missing in:\n%v", name, want, err)
			}
		}
		if got := strings.Count(err.Error(), "no proxy for"); got != 2 {
			t.Errorf("%s: %d tags without a proxy are reported, want 2:\n%v", name, got, err)
		}
	}
	// What ValidateApp finds, it finds where something needs it.
	err := fx.ValidateApp(fx.NopLogger, clad, tagged, fx.Invoke(func(orphan) {}))
	if err == nil || !strings.Contains(err.Error(), "a proxy for module_test.orphan (go tool clad gen makes it, in ") {
		t.Errorf("ValidateApp: %v", err)
	}
	err = module.Validate(clad, tagged, fx.Invoke(func(orphan) {}))
	if err == nil || strings.Contains(err.Error(), "missing type") {
		t.Errorf("Validate tells it twice: %v", err)
	}
}

func TestAnApplicationWithoutTheModuleIsToldOfIt(t *testing.T) {
	tagged := fx.Options(fx.Provide(container.Tag(newRefund, "database")), fx.Invoke(func(refund) {}))
	for name, err := range map[string]error{
		"Validate":    module.Validate(tagged),
		"ValidateApp": fx.ValidateApp(fx.NopLogger, tagged),
		"New":         fx.New(fx.NopLogger, tagged).Err(),
	} {
		if err == nil || !strings.Contains(err.Error(), "add module.New()") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := module.Validate(tagged); strings.Contains(err.Error(), "missing type") {
		t.Errorf("Validate tells what Fx makes of it: %v", err)
	}
}

// A mistake in the profile once ended with "missing type: *slog.Logger": nothing
// was provided after it, not even what the application's logger is made of.
func TestAMistakeInTheProfileIsNotHiddenByAMissingLogger(t *testing.T) {
	var log bytes.Buffer
	opts := []fx.Option{
		module.New(module.WithFS(files(map[string]string{"development.yaml": "policies:\n  p: {retyr: 3}\n"}))),
		fx.Provide(func() *slog.Logger { return slog.New(slog.NewTextHandler(&log, nil)) }),
		fx.WithLogger(func(l *slog.Logger) fxevent.Logger {
			return &fxevent.ConsoleLogger{W: slog.NewLogLogger(l.Handler(), slog.LevelInfo).Writer()}
		}),
	}
	for name, err := range map[string]error{
		"New":         fx.New(opts...).Err(),
		"ValidateApp": fx.ValidateApp(opts...),
		"Validate":    module.Validate(opts...),
	} {
		var mistakes config.Mistakes
		if !errors.As(err, &mistakes) || strings.Contains(err.Error(), "slog.Logger") || !strings.HasSuffix(err.Error(), mistakes.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(log.String(), "development.yaml:2") {
		t.Errorf("the application's logger does not say it:\n%s", log.String())
	}
}

func TestAProfileThatNobodyChose(t *testing.T) {
	fsys := files(map[string]string{"development.yaml": profile, "production.yaml": profile})
	for _, tt := range []struct {
		name   string
		env    [2]string
		opts   []module.Option
		chosen bool
	}{
		{name: "by nobody"},
		{name: "by CLAD_PROFILE", env: [2]string{"CLAD_PROFILE", "production"}, chosen: true},
		{name: "by APP_ENV", env: [2]string{"APP_ENV", "production"}, chosen: true},
		{name: "by an empty variable", env: [2]string{"APP_ENV", ""}},
		{name: "by an option", opts: []module.Option{module.WithProfile("development")}, chosen: true},
		{name: "in code", opts: []module.Option{module.WithCatalog(retries("p"))}, chosen: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("CLAD_PROFILE", "")
			t.Setenv("APP_ENV", "")
			if tt.env[0] != "" {
				t.Setenv(tt.env[0], tt.env[1])
			}
			var log bytes.Buffer
			opts := append(slices.Clip(tt.opts), module.WithFS(fsys), module.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if err := fx.New(fx.NopLogger, module.New(opts...)).Err(); err != nil {
				t.Fatal(err)
			}
			const warning = "nobody chose a profile"
			if warned := strings.Contains(log.String(), warning); warned == tt.chosen {
				t.Errorf("it logs:\n%s", log.String())
			}
			if !tt.chosen && (!strings.Contains(log.String(), "profile=development") || !strings.Contains(log.String(), "CLAD_PROFILE")) {
				t.Errorf("it says neither what it took nor how to choose:\n%s", log.String())
			}
			err := fx.New(fx.NopLogger, module.New(append(opts, module.RequireProfile())...)).Err()
			if (err == nil) != tt.chosen {
				t.Errorf("RequireProfile: %v", err)
			}
			if err != nil && (!strings.Contains(err.Error(), "module.WithProfile") || !strings.Contains(err.Error(), "there are: development, production")) {
				t.Errorf("RequireProfile: %v", err)
			}
		})
	}
}
