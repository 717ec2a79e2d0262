package module_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
)

// byEvents notices changes soon, and by events only.
var byEvents = module.WithReloadTiming(module.ReloadTiming{Quiet: 5 * time.Millisecond, Poll: time.Hour})

// shop is an application whose profile is a file.
type shop struct {
	t        *testing.T
	app      *fxtest.App
	file     string
	log      *buffer
	reloader *module.Reloader
	charge   charge
	attempts *atomic.Int64 // of the dependency

	mu       sync.Mutex
	outcomes []module.Outcome
}

// open starts a shop with a profile. It stops when the test ends, if not before.
func open(t *testing.T, profile string, opts ...module.Option) *shop {
	t.Helper()
	return openWith(t, profile, append([]module.Option{module.WithReload(), byEvents}, opts...)...)
}

func openWith(t *testing.T, profile string, opts ...module.Option) *shop {
	t.Helper()
	s := &shop{t: t, file: filepath.Join(t.TempDir(), "configs", "development.yaml"), log: &buffer{}, attempts: &atomic.Int64{}}
	s.save(profile)
	opts = append([]module.Option{
		module.WithConfigDir(filepath.Dir(s.file)), module.WithReloadListener(s.note),
		module.WithLogger(slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, opts...)
	s.app = fxtest.New(t, fx.NopLogger, module.New(opts...),
		fx.Provide(container.Tag(s.newCharge, "external_api")),
		fx.Populate(&s.charge, &s.reloader))
	s.app.RequireStart()
	t.Cleanup(func() { s.app.RequireStop() })
	return s
}

// newCharge makes a dependency that always fails.
func (s *shop) newCharge() charge {
	return func(context.Context, int) (string, error) {
		s.attempts.Add(1)
		return "", errors.New("busy")
	}
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

// save saves the profile as most editors do: renamed over.
func (s *shop) save(text string) {
	s.t.Helper()
	err := errors.Join(os.MkdirAll(filepath.Dir(s.file), 0o700), os.WriteFile(s.file+".new", []byte(text), 0o600), os.Rename(s.file+".new", s.file))
	if err != nil {
		s.t.Fatal(err)
	}
}

// next waits for the n-th outcome, and returns it.
func (s *shop) next(n int) module.Outcome {
	s.t.Helper()
	eventually(s.t, func() bool { return len(s.told()) >= n })
	return s.told()[n-1]
}

// wantAttempts calls the dependency, which tells what is in force.
func (s *shop) wantAttempts(want int64) {
	s.t.Helper()
	before := s.attempts.Load()
	_, _ = s.charge(s.t.Context(), 1)
	if got := s.attempts.Load() - before; got != want {
		s.t.Errorf("%d attempts; want %d", got, want)
	}
}

// eventually waits for a condition as long as a slow machine may need.
func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

// buffer is a bytes.Buffer for many goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func attemptsOf(n string) string {
	return "policies:\n  external_api: {retry: {max_attempts: " + n + ", backoff: {type: fixed, delay: 0s}}}\n"
}

func TestASavedProfileTakesEffect(t *testing.T) {
	s := open(t, attemptsOf("2")+"  unused: {retry: 2}\n")
	s.wantAttempts(2)
	s.save(attemptsOf("4") + "rate_limiters: {api: {requests_per_second: 5}}\nservices: {module_test.refund: {policy: none}}\n")
	got := s.next(1)
	s.wantAttempts(4)
	want := module.Outcome{
		Profile: "development", At: got.At,
		Added: []string{"rate_limiters.api", "services.module_test.refund"}, Changed: []string{"policies.external_api"}, Removed: []string{"policies.unused"},
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("told of %+v; want %+v", got, want)
	}
	for _, want := range []string{"level=INFO msg=\"the profile was reloaded\"", "changed=[policies.external_api]", "that nothing provides\" service=module_test.refund"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("%q is missing in the log:\n%s", want, s.log)
		}
	}
	status := s.reloader.Status()
	if status.Profile != "development" || status.Successes != 1 || status.Failures != 0 || status.Err != nil || !status.LastFailure.IsZero() || got.At.Before(status.LastSuccess) {
		t.Errorf("status: %+v", status)
	}
	s.save(attemptsOf("3"))
	s.next(2)
	s.wantAttempts(3)
}

func TestReloadByHand(t *testing.T) {
	s := open(t, attemptsOf("2"), module.WithReloadTiming(module.ReloadTiming{Quiet: time.Millisecond, Poll: time.Hour}))
	s.save(attemptsOf("3"))
	if err := s.reloader.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantAttempts(3)
	if err := s.reloader.Reload(t.Context()); err != nil { // the same once more is no mistake
		t.Fatal(err)
	}
	s.save("policies: {external_api: {retyr: 3}}")
	var mistakes config.Mistakes
	if err := s.reloader.Reload(t.Context()); !errors.As(err, &mistakes) || len(mistakes) != 1 {
		t.Errorf("got %v; want the mistake", err)
	}
	s.wantAttempts(3)
}

func TestReloadByHandNeedsNoWatch(t *testing.T) {
	var reloader *module.Reloader
	var limiter *container.RateLimiter
	fsys := files(map[string]string{"development.yaml": "rate_limiters: {api: {requests_per_second: 100, burst: 9}}"})
	app := fxtest.New(t, fx.NopLogger, module.New(module.WithFS(fsys)), fx.Populate(&reloader, fx.Annotate(&limiter, fx.ParamTags(`name:"api"`))))
	app.RequireStart()
	fsys["development.yaml"] = &fstest.MapFile{Data: []byte("rate_limiters: {api: {requests_per_second: 100, burst: 5}}")}
	if err := reloader.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tokens := limiter.Tokens(); tokens > 5 {
		t.Errorf("%v tokens; the burst is 5 now", tokens)
	}
	app.RequireStop()
}

func TestAReloadIsGivenUpWithItsContext(t *testing.T) {
	s := open(t, attemptsOf("2"), module.WithReloadTiming(module.ReloadTiming{Quiet: time.Hour}))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := s.reloader.Reload(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want the context's error", err)
	}
	if status := s.reloader.Status(); status.Failures != 0 {
		t.Errorf("status: %+v; nothing has failed", status)
	}
}

func TestPoliciesInCodeCannotBeReloaded(t *testing.T) {
	err := fx.ValidateApp(module.New(module.WithCatalog(policy.Catalog{}), module.WithReload()))
	if err == nil || !strings.Contains(err.Error(), "WithCatalog") {
		t.Errorf("got %v; want an error that says what can't be combined", err)
	}
	var reloader *module.Reloader
	fxtest.New(t, fx.NopLogger, module.New(module.WithCatalog(policy.Catalog{})), fx.Populate(&reloader)).RequireStart().RequireStop()
	if err := reloader.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "WithCatalog") {
		t.Errorf("got %v; want an error that says why not", err)
	}
}

func TestReloadTimesMustNotBeNegative(t *testing.T) {
	err := fx.ValidateApp(module.New(module.WithCatalog(policy.Catalog{}), module.WithReloadTiming(module.ReloadTiming{Quiet: -time.Second})))
	if err == nil || !strings.Contains(err.Error(), "-1s") {
		t.Errorf("got %v; want an error", err)
	}
}

func TestOtherFileSystemsArePolled(t *testing.T) {
	fsys := &swapped{}
	fsys.Store(files(map[string]string{"development.yaml": attemptsOf("2")}))
	s := open(t, "", module.WithFS(fsys), module.WithReloadTiming(module.ReloadTiming{Quiet: time.Millisecond, Poll: 5 * time.Millisecond}))
	s.wantAttempts(2)
	fsys.Store(files(map[string]string{"development.yml": attemptsOf("3")}))
	s.next(1)
	s.wantAttempts(3)
}

// swapped is a file system that is another from one moment to the next.
type swapped struct{ v atomic.Value }

func (s *swapped) Store(fsys fstest.MapFS)           { s.v.Store(fsys) }
func (s *swapped) Open(name string) (fs.File, error) { return s.v.Load().(fstest.MapFS).Open(name) }

func TestAProfileMayAskToBeReloaded(t *testing.T) {
	for name, tt := range map[string]struct {
		profile, variable string
		reloads           bool
	}{
		"in the file":    {"reload: true", "", true},
		"in a variable":  {"reload: false", "true", true},
		"refused":        {"reload: false", "", false},
		"by default not": {"{}", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.variable != "" {
				t.Setenv("CLAD__RELOAD", tt.variable)
			}
			var out buffer
			fsys := files(map[string]string{"development.yaml": tt.profile})
			app := fxtest.New(t, fx.NopLogger, module.New(module.WithFS(fsys), module.WithLogger(slog.New(slog.NewTextHandler(&out, nil)))))
			app.RequireStart().RequireStop()
			if want := fmt.Sprint("reload=", tt.reloads); !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing in the log:\n%s", want, &out)
			}
		})
	}
	s := openWith(t, "reload: true\n"+attemptsOf("2"), byEvents)
	s.save(attemptsOf("3"))
	s.next(1)
	s.wantAttempts(3)
	s.save(attemptsOf("4")) // which does not ask: what counts is what the start said
	s.next(2)
	s.wantAttempts(4)
}

// What changes between the moment that the profile was read and the start is
// noticed too, even if nothing changes any more.
func TestAChangeBeforeTheStartIsNoticed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "development.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("rate_limiters: {api: {requests_per_second: 100}}")
	var reloader *module.Reloader
	app := fxtest.New(t, fx.NopLogger, module.New(module.WithConfigDir(dir), module.WithReload(), byEvents), fx.Populate(&reloader))
	write("rate_limiters: {api: {requests_per_second: 200}}")
	app.RequireStart()
	eventually(t, func() bool { return reloader.Status().Successes == 1 })
	app.RequireStop()
}

// Whatever a reload read while the files changed back and forth, it is what is
// there now that must end up in force.
func TestAChangeThatIsUndoneIsNoticed(t *testing.T) {
	s := open(t, attemptsOf("3"), module.WithReloadTiming(module.ReloadTiming{Quiet: 200 * time.Millisecond, Poll: time.Hour}))
	s.save(attemptsOf("4")) // while the first look waits for quiet
	s.next(1)
	s.save(attemptsOf("3"))
	s.next(2)
	s.wantAttempts(3)
}

func TestListenersAreToldInOrderOutsideLocks(t *testing.T) {
	var s *shop
	again := 5
	s = open(t, attemptsOf("2"),
		module.WithReloadListener(func(module.Outcome) { panic("of a listener") }),
		module.WithReloadListener(func(module.Outcome) {
			_ = s.reloader.Status()
			if again--; again > 0 {
				_ = s.reloader.Reload(t.Context()) // told when this one has been
			}
		}))
	var many sync.WaitGroup
	for range 4 {
		many.Go(func() { _ = s.reloader.Reload(t.Context()) })
	}
	many.Wait()
	last := s.next(8)
	for i, o := range s.told()[:7] {
		if next := s.told()[i+1]; next.At.Before(o.At) {
			t.Errorf("outcome %d of %v was told before one of %v", i, o.At, next.At)
		}
	}
	if status := s.reloader.Status(); status.Successes != 8 || last.Err != nil {
		t.Errorf("status: %+v; want 8 successes", status)
	}
	if got := strings.Count(s.log.String(), "a listener of reloads panicked"); got != 8 {
		t.Errorf("%d panics were logged, want 8", got)
	}
}

func TestStopDoesNotWaitLongerThanItMay(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "development.yaml")
	save := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("{}")
	listening, release := make(chan struct{}), make(chan struct{})
	app := fx.New(fx.NopLogger, module.New(module.WithConfigDir(dir), module.WithReload(), byEvents,
		module.WithReloadListener(func(module.Outcome) { close(listening); <-release })))
	if err := app.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	save("policies: {p: {retry: 2}}")
	<-listening
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := app.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v; want that the time is over", err)
	}
	close(release) // goleak sees whether all ends now
}
