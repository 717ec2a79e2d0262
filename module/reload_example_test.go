package module_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

// An endpoint for operators may reload by hand, and say what came of it.
func ExampleReloader_Reload() {
	dir, err := os.MkdirTemp("", "configs")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	save := func(profile string) {
		if err := os.WriteFile(filepath.Join(dir, "production.yaml"), []byte(profile), 0o600); err != nil {
			panic(err)
		}
	}
	save("rate_limiters: {api-calls: {requests_per_second: 100}}")

	var reloader *module.Reloader
	app := fx.New(fx.NopLogger,
		module.New(
			module.WithConfigDir(dir), module.WithProfile("production"),
			module.WithReloadListener(func(o module.Outcome) { fmt.Println("changed:", o.Changed, "failed:", o.Err != nil) }),
			module.WithLogger(slog.New(slog.DiscardHandler)),
		),
		fx.Populate(&reloader),
	)
	if err := app.Err(); err != nil {
		panic(err)
	}

	save("rate_limiters: {api-calls: {requests_per_second: 200}}")
	fmt.Println(reloader.Reload(context.Background()))
	save("rate_limiters: {api-calls: {requests_per_sec: 300}}")
	_ = reloader.Reload(context.Background())

	status := reloader.Status()
	fmt.Println(status.Profile, status.Successes, status.Failures)
	// Output:
	// changed: [rate_limiters.api-calls] failed: false
	// <nil>
	// changed: [] failed: true
	// production 1 1
}

// In a test of one's own, for every profile.
func ExampleValidate() {
	fsys := files(map[string]string{"production.yaml": profile})
	err := module.Validate(
		module.New(module.WithFS(fsys), module.WithProfile("production")),
		fx.Provide(container.Tag(newRefund, "external_apy")),
	)
	fmt.Println(err)
	// Output:
	// clad: "github.com/cladgo/clad/module_test".newRefund is tagged "external_apy", but there is no such policy (did you mean "external_api"?); there are: external_api, external_api_once
}
