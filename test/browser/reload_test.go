package browser

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

// Who has changed a profile sees on the page whether it is in force, and if not, why.
func TestAReloadIsSeen(t *testing.T) {
	_, err := chromium()
	need(t, err)
	dir, err := os.MkdirTemp("", "clad") //nolint:usetesting // t.TempDir's names look like keys, which are not shown
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	save := func(profile string) {
		t.Helper()
		file := filepath.Join(dir, "production.yaml")
		if err := os.WriteFile(file+".new", []byte(profile), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	save("policies:\n  bank: {timeout: 7s}\n")
	var o *container.Orchestrator
	var r *module.Reloader
	app := fxtest.New(t, fx.NopLogger, fx.Populate(&o, &r),
		module.New(module.WithConfigDir(dir), module.WithProfile("production"), module.WithReload(), module.WithLogger(slog.New(slog.DiscardHandler))))
	app.RequireStart()
	t.Cleanup(app.RequireStop)
	page := open(t, serve(t, console.Handler(o, module.Console(r)))+"#policies")
	page.says(".status-lines", "Profile production")
	page.says(".status-lines", "It was not reloaded since the console looks.")
	page.says(".policy-tree", "7s")

	save("policies:\n  bank: {timeout: 8s}\n")
	page.says(".status-lines", "1 put in force, 0 refused; the last one is in force")
	page.says(".policy-tree", "8s")
	page.until(`document.querySelectorAll(".incident, .trouble").length === 0`)

	save("policies:\n  bank: {timeuot: 9s}\n")
	page.says(".status-lines", "1 put in force, 1 refused; the last one was refused")
	page.says(".trouble", "production.yaml:2:10: policies.bank.timeuot: unknown key (did you mean")
	page.says("#facts", "the last reload was refused")
	page.says("#verdict", "1 thing needs a look")
	page.says(".incident", `policies.bank.timeuot`)
	page.says(".policy-tree", "8s")
	page.shot("reload-refused")
	page.accessible("when a reload was refused")
	page.do(phone())
	page.until(`document.documentElement.scrollWidth <= innerWidth`)
	page.shot("reload-refused-phone")
	page.click("#tab-events")
	page.says(".log-entry", "the profile was not put in force, the last good one stays")
	page.says(".log-entry", "the profile was put in force anew")

	save("policies:\n  bank: {timeout: 9s}\n")
	page.says("#verdict", "Nothing is wrapped yet")
	page.until(`document.querySelectorAll(".incident").length === 0`)
	page.click("#tab-policies")
	page.says(".policy-tree", "9s")
	page.says(".status-lines", "2 put in force, 1 refused; the last one is in force")
}
