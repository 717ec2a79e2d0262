package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A bench runs the tools, each in a module of its own.
type bench struct {
	ctx        context.Context
	repository string
	temp       string
	compiled   string // the go command's cache
}

// A result is what one kind of run takes.
type result struct {
	name      string
	rounds    int
	cpu, wall time.Duration
	peak      int64 // bytes
}

// A kind of run is what is done before it, untimed, and what it writes.
type kind struct {
	name    string
	module  string // folder
	dir     string // where it is run, within the module
	command []string
	prepare func(m *module) error
	output  string // within the module
}

// install builds clad, and installs the others.
func (b *bench) install() error {
	compiled, err := exec.CommandContext(b.ctx, "go", "env", "GOCACHE").Output()
	if err != nil {
		return err
	}
	b.compiled = strings.TrimSpace(string(compiled))
	if _, err := b.run(filepath.Join(b.repository, "cmd", "clad"), "go", "build", "-o", filepath.Join(b.temp, "bin")+"/", "."); err != nil {
		return err
	}
	for _, tool := range []string{"github.com/matryer/moq@" + moqVersion, "github.com/vektra/mockery/v3@" + mockeryVersion} {
		if _, err := b.run(b.temp, "go", "install", tool); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) kinds() []kind {
	bin := func(name string) string { return filepath.Join(b.temp, "bin", name) }
	moq := append([]string{bin("moq"), "-out", "moq_test.go", "."}, interfaceNames()...)
	clad := []string{bin("clad"), "gen", "./wiring"}
	anew := []string{bin("clad"), "gen", "-a", "./wiring"}
	edit := (*module).edit
	return []kind{
		{"`clad gen` for the first time, or with `-a`", "first", "", anew, remove, "wiring/clad_gen.go"},
		{"`clad gen`, an interface has changed", "edited", "", clad, edit, "wiring/clad_gen.go"},
		{"`clad gen`, nothing has changed", "same", "", clad, nil, "wiring/clad_gen.go"},
		{"moq " + moqVersion, "moq", "services", moq, edit, "services/moq_test.go"},
		{"mockery " + mockeryVersion, "mockery", "", []string{bin("mockery")}, edit, "services/mockery_test.go"},
	}
}

// measure runs all kinds in turn, and once more before that, so that what they
// import is compiled.
func (b *bench) measure(rounds int) ([]result, error) {
	kinds := b.kinds()
	runs := make([][]result, len(kinds))
	modules := make([]*module, len(kinds))
	for i, k := range kinds {
		modules[i] = &module{dir: filepath.Join(b.temp, k.module)}
		if err := modules[i].write(b.repository); err != nil {
			return nil, err
		}
	}
	const warm = 2
	for round := range rounds + warm {
		for i, k := range kinds {
			r, err := b.time(k, modules[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			if round >= warm {
				runs[i] = append(runs[i], r)
			}
		}
	}
	results := make([]result, len(kinds))
	for i, k := range kinds {
		results[i] = result{k.name, rounds,
			median(runs[i], func(r result) time.Duration { return r.cpu }),
			median(runs[i], func(r result) time.Duration { return r.wall }),
			median(runs[i], func(r result) int64 { return r.peak })}
	}
	return results, nil
}

// time makes one run, and looks at what it wrote.
func (b *bench) time(k kind, m *module) (result, error) {
	if k.prepare != nil {
		if err := k.prepare(m); err != nil {
			return result{}, err
		}
	}
	start := time.Now()
	state, err := b.run(filepath.Join(m.dir, k.dir), k.command...)
	if err != nil {
		return result{}, err
	}
	took := time.Since(start)
	text, err := os.ReadFile(filepath.Join(m.dir, k.output))
	if err != nil {
		return result{}, err
	}
	for _, name := range append(interfaceNames(), methodNames()...) {
		if !bytes.Contains(text, []byte(name)) {
			return result{}, fmt.Errorf("%s has nothing of %s", k.output, name)
		}
	}
	if bytes.Contains(text, []byte(extraMethod)) != m.edited {
		return result{}, fmt.Errorf("%s is not of the interfaces as they are", k.output)
	}
	return result{cpu: state.UserTime() + state.SystemTime(), wall: took, peak: peakOf(state)}, nil
}

// remove takes away what clad wrote.
func remove(m *module) error {
	err := os.Remove(filepath.Join(m.dir, "wiring", "clad_gen.go"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *bench) run(dir string, command ...string) (*os.ProcessState, error) {
	cmd := exec.CommandContext(b.ctx, command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOBIN="+filepath.Join(b.temp, "bin"),
		"GOCACHE="+b.compiled, "XDG_CACHE_HOME="+filepath.Join(b.temp, "cache")) // clad's is taken away again
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return cmd.ProcessState, nil
}

func median[T int64 | time.Duration](runs []result, of func(result) T) T {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
