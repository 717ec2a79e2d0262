//go:build unix

package module_test

import (
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
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

// A reload opened a pipe in the place of the profile, or of its directory, and
// waited for ever: for the next good profile, and for the stop.
func TestAPipeOrDeviceInTheProfilesPlaceEndsNeitherReloadsNorTheStop(t *testing.T) {
	for name, tt := range map[string]struct {
		put  func(s *shop) error
		want string
	}{
		"a pipe":     {func(s *shop) error { return errors.Join(os.Remove(s.file), syscall.Mkfifo(s.file, 0o600)) }, "but a pipe"},
		"a device":   {func(s *shop) error { return errors.Join(os.Remove(s.file), os.Symlink("/dev/zero", s.file)) }, "but a device"},
		"a base":     {func(s *shop) error { return syscall.Mkfifo(filepath.Join(filepath.Dir(s.file), "base.yaml"), 0o600) }, "base.yaml: it is not a regular file"},
		"a gigabyte": {func(s *shop) error { return os.Truncate(s.file, 1<<30) }, "larger than 1024 KiB"},
		"its directory": {func(s *shop) error {
			dir := filepath.Dir(s.file)
			return errors.Join(os.RemoveAll(dir), syscall.Mkfifo(dir, 0o600))
		}, "is a file"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, attemptsOf("2"))
			if err := tt.put(s); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { // what was seen halfway is another mistake
				err := s.reloader.Status().Err
				return err != nil && strings.Contains(err.Error(), tt.want)
			})
			s.wantAttempts(2)
			for _, path := range []string{filepath.Join(filepath.Dir(s.file), "base.yaml"), s.file} {
				_ = os.Remove(path)
			}
			_ = syscall.Unlink(filepath.Dir(s.file)) // if it is a pipe
			s.save(attemptsOf("3"))
			eventually(t, func() bool { return s.reloader.Status().Err == nil })
			s.wantAttempts(3)

			was := s.reloader.Status().Failures
			if err := tt.put(s); err != nil {
				t.Fatal(err)
			}
			eventually(t, func() bool { return s.reloader.Status().Failures > was })
			s.app.RequireStop()
		})
	}
}
