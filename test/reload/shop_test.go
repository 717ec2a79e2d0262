package reload_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

// bank is a dependency that needs no proxy: functions.
type bank struct {
	Charge func(ctx context.Context, amount int) (string, error)
	Refund func(ctx context.Context, amount int) (string, error)
}

// shop is an application that runs under a profile on disk.
type shop struct {
	t            *testing.T
	app          *fxtest.App
	dir          string // of the profile
	file         string
	bank         bank // as the application has it, wrapped
	orchestrator *container.Orchestrator
	reloader     *module.Reloader

	mu       sync.Mutex
	outcomes []module.Outcome
}

// open starts a shop whose calls the handler answers. It is closed when the test
// ends, if not before. Changes are noticed by events: looking from time to time
// would come too late for any test.
func open(t *testing.T, dir string, handle func(ctx context.Context, amount int) (string, error), opts ...fx.Option) *shop {
	t.Helper()
	s := &shop{t: t, dir: dir, file: filepath.Join(dir, "production.yaml")}
	s.app = fxtest.New(t, fx.NopLogger,
		module.New(
			module.WithConfigDir(dir), module.WithProfile("production"),
			module.WithReload(), module.WithReloadTiming(module.ReloadTiming{Quiet: time.Millisecond, Poll: time.Hour}),
			module.WithReloadListener(s.note), module.WithLogger(slog.New(slog.DiscardHandler)),
		),
		fx.Provide(container.Tag(func() bank { return bank{Charge: handle, Refund: handle} }, "external_api")),
		fx.Populate(&s.bank, &s.orchestrator, &s.reloader),
		fx.Options(opts...),
	)
	s.app.RequireStart()
	t.Cleanup(func() { s.app.RequireStop() })
	return s
}

func (s *shop) note(o module.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcomes = append(s.outcomes, o)
}

func (s *shop) told() []module.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]module.Outcome(nil), s.outcomes...)
}

// after makes a change of files and waits for the reload that it causes.
func (s *shop) after(change func()) module.Outcome {
	s.t.Helper()
	before := len(s.told())
	change()
	eventually(s.t, func() bool { return len(s.told()) > before })
	return s.told()[before]
}

// refuse makes a change of files and waits until a reload has failed of it. That of the
// change before may be told meanwhile: it was in force before anybody heard of it.
func (s *shop) refuse(change func()) {
	s.t.Helper()
	before := len(s.told())
	change()
	eventually(s.t, func() bool {
		return slices.ContainsFunc(s.told()[before:], func(o module.Outcome) bool { return o.Err != nil })
	})
}

// edit saves another profile and waits until it is in force.
func (s *shop) edit(text string) {
	s.t.Helper()
	if o := s.after(func() { save(s.t, s.file, text) }); o.Err != nil {
		s.t.Fatal(o.Err)
	}
}

func (s *shop) charge() error {
	_, err := s.bank.Charge(s.t.Context(), 1)
	return err
}

// directory makes one with a profile.
func directory(t *testing.T, profile string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "configs")
	save(t, filepath.Join(dir, "production.yaml"), profile)
	return dir
}

// save saves a file as most editors do: another is renamed over it.
func save(t *testing.T, file, text string) {
	t.Helper()
	write(t, file+".new", text)
	must(t, os.Rename(file+".new", file))
}

// write saves a file in place: it is truncated, then written.
func write(t *testing.T, file, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600))
}

// mount makes a directory as Kubernetes mounts a ConfigMap, or swaps the link in
// one: production.yaml -> ..data/production.yaml, and ..data -> ..<version>.
func mount(t *testing.T, dir string, version int, profile string) {
	t.Helper()
	name := fmt.Sprintf("..v%d", version)
	write(t, filepath.Join(dir, name, "production.yaml"), profile)
	data := filepath.Join(dir, "..data")
	old, err := os.Readlink(data)
	must(t, os.Symlink(name, data+"_tmp"), os.Rename(data+"_tmp", data))
	if err != nil {
		must(t, os.Symlink(filepath.Join("..data", "production.yaml"), filepath.Join(dir, "production.yaml")))
		return
	}
	must(t, os.RemoveAll(filepath.Join(dir, old)))
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition as long as a slow machine may need.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}
