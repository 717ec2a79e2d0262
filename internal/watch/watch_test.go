package watch_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/watch"
)

// never is a poll that does not come while a test runs: what is noticed then is
// noticed by events.
const never = time.Hour

func isYAML(name string) bool { return filepath.Ext(name) == ".yaml" }

// observer watches a directory and remembers what it held at each report.
type observer struct {
	dir string

	mu   sync.Mutex
	held []string
}

// observe watches dir until the test ends, and returns after the first look.
func observe(t *testing.T, dir string, quiet, poll time.Duration) *observer {
	t.Helper()
	o := &observer{dir: dir}
	d := watch.Directory{
		Files: os.DirFS(dir), Path: dir, Match: isYAML, Quiet: quiet, Poll: poll,
		Trouble: func(err error) { t.Errorf("no events: %v", err) },
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	looked := make(chan struct{})
	first := sync.OnceFunc(func() { close(looked) })
	known := d.Look()
	go func() {
		defer close(ended)
		d.Watch(ctx, func() {
			defer first()
			if d.Look() == known {
				return
			}
			if now, err := d.Settled(ctx); err == nil && now != known {
				known = now
				o.note()
			}
		})
	}()
	t.Cleanup(func() { stop(); <-ended })
	<-looked
	return o
}

func (o *observer) note() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = append(o.held, contents(o.dir))
}

func (o *observer) reports() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.held...)
}

// wantLast waits until the last report is of these contents.
func (o *observer) wantLast(t *testing.T, want string) {
	t.Helper()
	eventually(t, func() bool {
		all := o.reports()
		return len(all) > 0 && all[len(all)-1] == want
	}, func() { t.Errorf("reported %q; want %q at last", o.reports(), want) })
}

// eventually waits for a condition as long as a slow machine may need.
func eventually(t *testing.T, condition func() bool, otherwise func()) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !condition(); <-tick.C {
		if time.Now().After(deadline) {
			otherwise()
			t.FailNow()
		}
	}
}

// contents joins what the files of a directory hold.
func contents(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "*.yaml"))
	var all []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			all = append(all, string(text))
		}
	}
	return strings.Join(all, "+")
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(text), 0o600))
}

// link points a link at a target in one step, as `ln -sfn` does not.
func link(t *testing.T, target, name string) {
	t.Helper()
	must(t, os.Symlink(target, name+"_tmp"), os.Rename(name+"_tmp", name))
}

// A watcher of files lost them when an editor renamed a new one over, when
// Kubernetes swapped its link, or when they went and came back; and what it
// noticed once it did not notice a second time. Each way of saving is seen here
// again and again.
func TestEveryWayOfSavingIsNoticed(t *testing.T) {
	for name, way := range map[string]struct {
		prepare func(t *testing.T, dir string) // makes dir/p.yaml, of "old"
		save    func(t *testing.T, dir, text string)
	}{
		"written in place": {save: func(t *testing.T, dir, text string) {
			f, err := os.OpenFile(filepath.Join(dir, "p.yaml"), os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteString(text)
			must(t, err, f.Close())
		}},
		"truncated, then written": {save: func(t *testing.T, dir, text string) {
			write(t, filepath.Join(dir, "p.yaml"), text)
		}},
		"renamed over": {save: func(t *testing.T, dir, text string) {
			write(t, filepath.Join(dir, ".p.yaml.swp"), text)
			must(t, os.Rename(filepath.Join(dir, ".p.yaml.swp"), filepath.Join(dir, "p.yaml")))
		}},
		"moved aside as a backup, then written": {save: func(t *testing.T, dir, text string) {
			file := filepath.Join(dir, "p.yaml")
			must(t, os.Rename(file, file+"~"))
			write(t, file, text)
			must(t, os.Remove(file+"~"))
		}},
		"deleted, then written": {save: func(t *testing.T, dir, text string) {
			must(t, os.Remove(filepath.Join(dir, "p.yaml")))
			write(t, filepath.Join(dir, "p.yaml"), text)
		}},
		"moved in from elsewhere": {save: func(t *testing.T, dir, text string) {
			elsewhere := filepath.Join(t.TempDir(), "new")
			write(t, elsewhere, text)
			must(t, os.Rename(elsewhere, filepath.Join(dir, "p.yaml")))
		}},
		"the directory deleted, then made again": {save: func(t *testing.T, dir, text string) {
			must(t, os.RemoveAll(dir))
			write(t, filepath.Join(dir, "p.yaml"), text)
		}},
		"the directory moved away, another in its place": {save: func(t *testing.T, dir, text string) {
			write(t, filepath.Join(dir+"-new", "p.yaml"), text)
			must(t, os.Rename(dir, dir+"-old"), os.Rename(dir+"-new", dir), os.RemoveAll(dir+"-old"))
		}},
		"Kubernetes swaps ..data": {
			prepare: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "..1", "p.yaml"), "old")
				link(t, "..1", filepath.Join(dir, "..data"))
				link(t, filepath.Join("..data", "p.yaml"), filepath.Join(dir, "p.yaml"))
			},
			save: func(t *testing.T, dir, text string) {
				was, err := os.Readlink(filepath.Join(dir, "..data"))
				must(t, err)
				write(t, filepath.Join(dir, "..of-"+text, "p.yaml"), text)
				link(t, "..of-"+text, filepath.Join(dir, "..data"))
				must(t, os.RemoveAll(filepath.Join(dir, was)))
			},
		},
		"the directory is a link, which is swapped": {
			prepare: func(t *testing.T, dir string) {
				write(t, filepath.Join(dir+"-1", "p.yaml"), "old")
				link(t, dir+"-1", dir)
			},
			save: func(t *testing.T, dir, text string) {
				write(t, filepath.Join(dir+"-of-"+text, "p.yaml"), text)
				link(t, filepath.Base(dir)+"-of-"+text, dir)
			},
		},
		"a link above the directory is swapped": {
			prepare: func(t *testing.T, dir string) {
				release := filepath.Join(filepath.Dir(dir), "release-1")
				write(t, filepath.Join(release, "configs", "p.yaml"), "old")
				link(t, "release-1", filepath.Join(filepath.Dir(dir), "current"))
				link(t, filepath.Join("current", "configs"), dir)
			},
			save: func(t *testing.T, dir, text string) {
				write(t, filepath.Join(filepath.Dir(dir), "release-of-"+text, "configs", "p.yaml"), text)
				link(t, "release-of-"+text, filepath.Join(filepath.Dir(dir), "current"))
			},
		},
		"the file is a link, whose target is written": {
			prepare: func(t *testing.T, dir string) {
				write(t, filepath.Join(filepath.Dir(dir), "real", "other-name"), "old")
				must(t, os.Mkdir(dir, 0o700))
				link(t, filepath.Join("..", "real", "other-name"), filepath.Join(dir, "p.yaml"))
			},
			save: func(t *testing.T, dir, text string) {
				write(t, filepath.Join(filepath.Dir(dir), "real", "other-name"), text)
			},
		},
		"the file is a link to a link, whose target is renamed over": {
			prepare: func(t *testing.T, dir string) {
				real := filepath.Join(filepath.Dir(dir), "real")
				write(t, filepath.Join(real, "target"), "old")
				link(t, "target", filepath.Join(real, "between"))
				must(t, os.Mkdir(dir, 0o700))
				link(t, filepath.Join(real, "between"), filepath.Join(dir, "p.yaml"))
			},
			save: func(t *testing.T, dir, text string) {
				real := filepath.Join(filepath.Dir(dir), "real")
				write(t, filepath.Join(real, "new"), text)
				must(t, os.Rename(filepath.Join(real, "new"), filepath.Join(real, "target")))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "configs")
			if way.prepare != nil {
				if runtime.GOOS == "windows" {
					t.Skip("links need a privilege there")
				}
				way.prepare(t, dir)
			} else {
				write(t, filepath.Join(dir, "p.yaml"), "old")
			}
			o := observe(t, dir, 5*time.Millisecond, never)
			for _, text := range []string{"one", "two", "six", "ten"} {
				way.save(t, dir, text)
				o.wantLast(t, text)
			}
		})
	}
}

func TestWhatGoesAndComesIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	o := observe(t, dir, 5*time.Millisecond, never)
	write(t, filepath.Join(dir, "p.yaml"), "first") // a directory at a time
	o.wantLast(t, "first")
	write(t, filepath.Join(dir, "base.yaml"), "base")
	o.wantLast(t, "base+first")
	must(t, os.Remove(filepath.Join(dir, "p.yaml")))
	o.wantLast(t, "base")
	write(t, filepath.Join(dir, "p.yaml"), "back")
	o.wantLast(t, "base+back")
	must(t, os.RemoveAll(dir))
	o.wantLast(t, "")
	write(t, filepath.Join(dir, "p.yaml"), "again")
	o.wantLast(t, "again")
	must(t, os.RemoveAll(filepath.Dir(dir)))
	o.wantLast(t, "")
	write(t, filepath.Join(dir, "p.yaml"), "at last")
	o.wantLast(t, "at last")
}

// The watch of a directory ends with it. Another of the same name, perhaps even
// with its number on disk, is not watched by itself.
func TestADirectoryInThePlaceOfAnotherIsWatched(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "configs")
	file := filepath.Join(dir, "p.yaml")
	write(t, file, "old")
	o := observe(t, dir, 5*time.Millisecond, never)
	for n := range 3 {
		must(t, os.RemoveAll(dir))
		write(t, file, fmt.Sprint("made again ", n))
		o.wantLast(t, fmt.Sprint("made again ", n))
		write(t, file, fmt.Sprint("saved ", n))
		o.wantLast(t, fmt.Sprint("saved ", n))
		must(t, os.Rename(dir, fmt.Sprint(dir, n)))
		write(t, file, fmt.Sprint("instead ", n))
		o.wantLast(t, fmt.Sprint("instead ", n))
		write(t, file, fmt.Sprint("saved again ", n))
		o.wantLast(t, fmt.Sprint("saved again ", n))
	}
}

// A reload once saw a file that was still empty, and dropped all protection.
func TestWhatIsBeingWrittenIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.yaml")
	write(t, file, "old")
	o := observe(t, dir, 500*time.Millisecond, never)
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	must(t, err)
	for range 100 {
		_, err := f.WriteString("piece by piece ")
		must(t, err, f.Sync())
	}
	must(t, f.Close())
	want := strings.Repeat("piece by piece ", 100)
	o.wantLast(t, want)
	if all := o.reports(); len(all) != 1 {
		t.Errorf("reported %q; want the finished file alone", all)
	}
}

func TestOnlyMatchingFilesWithOtherContentCount(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "p.yaml"), "old")
	o := observe(t, dir, 5*time.Millisecond, never)
	write(t, filepath.Join(dir, "README.md"), "something else")
	write(t, filepath.Join(dir, "p.yaml"), "old") // saved without a change
	must(t, os.Chtimes(filepath.Join(dir, "p.yaml"), time.Time{}, time.Now()))
	write(t, filepath.Join(dir, "q.yaml"), "new")
	o.wantLast(t, "old+new")
	if all := o.reports(); len(all) != 1 {
		t.Errorf("reported %q; want only the last", all)
	}
}

// Whoever touches a file all the time must not keep changes from being noticed.
func TestConstantEventsDoNotPutOffForEver(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "p.yaml")
	write(t, file, "old")
	o := observe(t, dir, 100*time.Millisecond, never)
	write(t, file, "new")
	eventually(t, func() bool {
		must(t, os.Chtimes(file, time.Time{}, time.Now()))
		return len(o.reports()) > 0
	}, func() { t.Error("nothing was noticed while the file was being touched") })
}

// memory is a file system that changes: a directory with one file, p.yaml.
type memory struct {
	mu   sync.Mutex
	text string
}

func (m *memory) Open(name string) (fs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fstest.MapFS{"p.yaml": {Data: []byte(m.text)}}.Open(name)
}

func (m *memory) set(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text = text
}

func TestWithoutEventsThereIsALookAtOnceAndFromTimeToTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := watch.Directory{Files: fstest.MapFS{}, Match: isYAML, Quiet: time.Second, Poll: time.Minute}
		start := time.Now()
		var at []time.Duration
		ctx, stop := context.WithCancel(t.Context())
		go d.Watch(ctx, func() { at = append(at, time.Since(start)) })
		time.Sleep(2*time.Minute + time.Second)
		stop()
		synctest.Wait()
		if want := []time.Duration{0, time.Minute, 2 * time.Minute}; !slices.Equal(at, want) {
			t.Errorf("looked after %v; want %v", at, want)
		}
	})
}

func TestSettledWaitsUntilNothingChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := &memory{}
		d := watch.Directory{Files: files, Match: isYAML, Quiet: time.Second, Poll: time.Minute}
		start := time.Now()
		for n := range 5 { // half a second later than the looks
			time.AfterFunc(time.Duration(n)*time.Second+time.Second/2, func() { files.set(strings.Repeat(".", n+1)) })
		}
		got, err := d.Settled(t.Context())
		if took := time.Since(start); err != nil || took != 6*time.Second || got != d.Look() {
			t.Errorf("settled after %v, %v; want 6s, one after the last change was seen", took, err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second/2)
		defer stop()
		if _, err := d.Settled(ctx); err != context.DeadlineExceeded { //nolint:errorlint // the context's own error
			t.Errorf("got %v; want the context's error", err)
		}
	})
}

// Files that changed all the time kept everybody waiting, and nobody heard of it.
func TestSettledGivesUpOnFilesThatKeepChanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		files := &memory{}
		d := watch.Directory{Files: files, Match: isYAML, Quiet: time.Second, Poll: time.Minute}
		var n int
		var change func()
		change = func() {
			n++
			files.set(fmt.Sprint(n))
			if n < 1000 {
				time.AfterFunc(time.Second/2, change)
			}
		}
		change()
		start := time.Now()
		_, err := d.Settled(t.Context())
		if took := time.Since(start); !errors.Is(err, watch.ErrRestless) || took != 100*time.Second {
			t.Errorf("%v after %v; want ErrRestless after 100 times Quiet", err, took)
		}
	})
}

func TestSnapshotsTellFilesApart(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	seen := map[watch.Snapshot]string{}
	for name, files := range map[string]fstest.MapFS{
		"empty":           {},
		"an empty file":   {"a.yaml": file("")},
		"another name":    {"b.yaml": file("")},
		"two empty files": {"a.yaml": file(""), "b.yaml": file("")},
		"one":             {"a.yaml": file("1"), "b.yaml": file("")},
		"the other":       {"a.yaml": file(""), "b.yaml": file("1")},
		"one like two":    {"a.yaml": file(`1"b.yaml" 0:`)},
		"a directory":     {"a.yaml/x": file("1")},
	} {
		got := watch.Directory{Files: files, Match: isYAML}.Look()
		if other, ok := seen[got]; ok {
			t.Errorf("%s and %s look the same", name, other)
		}
		seen[got] = name
	}
}
