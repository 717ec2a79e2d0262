package module_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cladgo/clad/module"
)

// A reload saw a half-written or empty file and dropped all protection; a file
// that had gone was never seen again; one failed reload ended all later ones.
func TestABadProfileKeepsTheLastGoodOne(t *testing.T) {
	for name, spoil := range map[string]func(s *shop) error{
		"empty":                    func(s *shop) error { return os.Truncate(s.file, 0) },
		"truncated in a key":       func(s *shop) error { return os.WriteFile(s.file, []byte("policies:\n  extern"), 0o600) },
		"truncated after policies": func(s *shop) error { return os.WriteFile(s.file, []byte("policies:\n"), 0o600) },
		"truncated, and sound":     func(s *shop) error { return os.WriteFile(s.file, []byte("policies:\n  other: {retry: 2}\n"), 0o600) },
		"not YAML":                 func(s *shop) error { return os.WriteFile(s.file, []byte("policies: ]["), 0o600) },
		"misspelt": func(s *shop) error {
			return os.WriteFile(s.file, []byte("policies: {external_api: {retyr: 3}}"), 0o600)
		},
		"missing":               func(s *shop) error { return os.Remove(s.file) },
		"a directory":           func(s *shop) error { return errors.Join(os.Remove(s.file), os.Mkdir(s.file, 0o700)) },
		"its directory missing": func(s *shop) error { return os.RemoveAll(filepath.Dir(s.file)) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, attemptsOf("3"))
			for _, attempts := range []string{"4", "5"} {
				was := s.reloader.Status()
				if err := spoil(s); err != nil {
					t.Fatal(err)
				}
				eventually(t, func() bool { return s.reloader.Status().Failures > was.Failures })
				status := s.reloader.Status()
				if status.Err == nil || status.LastFailure.IsZero() || status.Successes != was.Successes || !status.LastSuccess.Equal(was.LastSuccess) {
					t.Errorf("status: %+v", status)
				}
				s.wantAttempts(int64(attempts[0]-'0') - 1)
				_ = os.Remove(s.file) // were it a directory, nothing could be renamed over it
				s.save(attemptsOf(attempts))
				eventually(t, func() bool { return s.reloader.Status().Successes > was.Successes })
				if err := s.reloader.Status().Err; err != nil {
					t.Errorf("still failing: %v", err)
				}
				s.wantAttempts(int64(attempts[0] - '0'))
			}
		})
	}
}

// The services of a running application are as good a reason to refuse a profile.
func TestAPolicyInUseMustStay(t *testing.T) {
	s := open(t, attemptsOf("3")+"  other: {retry: 2}\n")
	s.save("policies: {external_apis: {retry: 2}, other: {retry: 5}}\n")
	err := s.next(1).Err
	for _, want := range []string{"module_test.charge", `"external_api"`, `did you mean "external_apis"?`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want an error with %q", err, want)
		}
	}
	s.wantAttempts(3)
}

func TestEachMistakeIsLoggedOnce(t *testing.T) {
	s := open(t, attemptsOf("3"))
	logged := func(text string, want int) {
		t.Helper()
		if got := strings.Count(s.log.String(), text); got != want {
			t.Errorf("%q was logged %d times, not %d:\n%s", text, got, want, s.log)
		}
	}
	const first = "development.yaml:1:27"
	one := "policies: {external_api: {retyr: 3}}"
	two := "policies: {external_api: {retyr: 3},\n          other: {retry: {max_attemps: 3}}}"
	s.save(one)
	s.next(1)
	for n := range 3 {
		if err := s.reloader.Reload(t.Context()); err == nil {
			t.Fatal("a bad profile was put in force")
		}
		s.next(2 + n)
	}
	logged(first, 1)
	s.save(two)
	s.next(5)
	logged(first, 1)
	logged(`other.retry.max_attemps`, 1)
	s.save(attemptsOf("3"))
	s.next(6)
	logged("level=INFO msg=\"the profile was reloaded\"", 1) // nothing changed, but it is good again
	s.save(one)
	s.next(7)
	logged(first, 2)
	if status := s.reloader.Status(); status.Failures != 6 || status.Successes != 1 {
		t.Errorf("status: %+v; want 6 failures, 1 success", status)
	}
}

// explosive is a file system that panics while a profile is loaded.
type explosive struct {
	fstest.MapFS
	armed atomic.Bool
}

func (e *explosive) Open(name string) (fs.File, error) {
	if e.armed.Load() {
		callers := make([]uintptr, 20)
		frames := runtime.CallersFrames(callers[:runtime.Callers(0, callers)])
		for frame, more := frames.Next(); more; frame, more = frames.Next() {
			if strings.HasSuffix(frame.Function, "config.Loader.Load") {
				panic("while loading")
			}
		}
	}
	return e.MapFS.Open(name)
}

// ReadDir and ReadFile go through Open.
func (e *explosive) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(opener{e}, name) }
func (e *explosive) ReadFile(name string) ([]byte, error)       { return fs.ReadFile(opener{e}, name) }

type opener struct{ fs.FS }

func TestAPanicWhileReadingIsAFailedReload(t *testing.T) {
	fsys := &explosive{MapFS: files(map[string]string{"development.yaml": attemptsOf("2")})}
	s := open(t, "", module.WithFS(fsys))
	fsys.armed.Store(true)
	if err := s.reloader.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "while loading") {
		t.Errorf("got %v; want the panic", err)
	}
	fsys.armed.Store(false)
	if err := s.reloader.Reload(t.Context()); err != nil {
		t.Error(err)
	}
}

// Files of other profiles that changed all the time kept this one from being
// read: it waited for all of the directory to be quiet.
func TestFilesOfOtherProfilesKeepNobodyWaiting(t *testing.T) {
	s := open(t, attemptsOf("2"))
	other := filepath.Join(filepath.Dir(s.file), "other.yaml")
	stop, ended := make(chan struct{}), make(chan struct{})
	var writes atomic.Int64
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.WriteFile(other, []byte("n: "+strings.Repeat("x", n%100)), 0o600)
			writes.Add(1)
			runtime.Gosched()
		}
	}()
	defer func() { close(stop); <-ended }()
	for n, attempts := range []string{"3", "4", "5"} {
		before := writes.Load()
		eventually(t, func() bool { return writes.Load() > before+10 })
		s.save(attemptsOf(attempts))
		if o := s.next(n + 1); o.Err != nil || len(o.Changed) != 1 {
			t.Errorf("%+v", o)
		}
		s.wantAttempts(int64(n) + 3)
	}
	if n := len(s.told()); n != 3 {
		t.Errorf("%d reloads; want 3", n)
	}
}

// restless is a file system whose profile is another each time that it is read.
type restless struct {
	on       atomic.Bool
	attempts atomic.Pointer[string]
	reads    atomic.Int64
}

func (r *restless) Open(name string) (fs.File, error) {
	text := attemptsOf(*r.attempts.Load())
	if r.on.Load() {
		text += fmt.Sprintf("# %d", r.reads.Add(1))
	}
	return files(map[string]string{"development.yaml": text}).Open(name)
}

// A profile that changes all the time is never taken halfway, and whoever watches
// the reloads hears of it.
func TestAProfileThatKeepsChangingIsAFailure(t *testing.T) {
	two, four := "2", "4"
	fsys := &restless{}
	fsys.attempts.Store(&two)
	s := open(t, "", module.WithFS(fsys), module.WithReloadTiming(module.ReloadTiming{Quiet: time.Millisecond, Poll: time.Millisecond}))
	fsys.on.Store(true)
	o := s.next(1)
	if o.Err == nil || !strings.Contains(o.Err.Error(), "the files keep changing") {
		t.Errorf("%+v", o)
	}
	s.wantAttempts(2)
	fsys.attempts.Store(&four)
	fsys.on.Store(false)
	eventually(t, func() bool { return s.reloader.Status().Err == nil })
	s.wantAttempts(4)
}
