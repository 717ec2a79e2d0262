//go:build unix

package module_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

func TestSIGHUPReloads(t *testing.T) {
	seen := make(chan os.Signal, 1) // and keeps the signal from killing the test
	signal.Notify(seen, syscall.SIGHUP)
	defer signal.Stop(seen)
	hangUp := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-seen
	}
	s := open(t, attemptsOf("2"))
	for n := range 3 { // also if nothing has changed
		hangUp()
		if o := s.next(n + 1); o.Err != nil {
			t.Error(o.Err)
		}
	}
	s.app.RequireStop()
	hangUp()
	if status := s.reloader.Status(); status.Successes != 3 {
		t.Errorf("%d reloads; want 3, none after the stop", status.Successes)
	}
}

func TestSIGHUPIsLeftAloneWithoutReload(t *testing.T) {
	seen := make(chan os.Signal, 1)
	signal.Notify(seen, syscall.SIGHUP)
	defer signal.Stop(seen)
	var reloader *module.Reloader
	app := fxtest.New(t, fx.NopLogger, module.New(module.WithFS(files(map[string]string{"development.yaml": "{}"}))), fx.Populate(&reloader))
	app.RequireStart()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	<-seen
	app.RequireStop()
	if status := reloader.Status(); status.Successes != 0 {
		t.Errorf("%d reloads; want none", status.Successes)
	}
}
