package gen_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// Where nothing has changed nothing is looked at; whatever a run depends on makes it
// look again, and a run that has written something is no proof that the next has
// nothing to do.
func TestARunWithNothingToDo(t *testing.T) {
	dir := unpackAlone(t, app)
	add(t, dir, `
-- payments/extra/extra.go --
package extra

import "context"

type Ledger interface{ Book(context.Context, int) error }
`)
	t.Setenv("GOFLAGS", "")
	o := gen.Options{Dir: dir}
	recalled := func() bool {
		t.Helper()
		r, err := run(t, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Written) > 0 && r.Recalled {
			t.Errorf("it wrote %v without looking", r.Written)
		}
		return r.Recalled
	}
	edit := func(name, old, text string) func() {
		return func() {
			name := filepath.Join(dir, name)
			before := read(t, name)
			after := strings.Replace(before, old, text, 1)
			if after == before {
				t.Fatalf("%s has no %q", name, old)
			}
			write(t, name, after)
		}
	}
	expect(t, mustRun(t, o), "wrote clad_gen.go")
	if recalled() {
		t.Error("nobody had looked at what was written")
	}
	for _, c := range []struct {
		what   string
		change func()
	}{
		{"a file in which a type is", edit("payments/payments.go", "takes it.", "takes money.")},
		{"an interface", edit("payments/payments.go", "Close() error\n}", "Close() error\n\tPing(context.Context) error\n}\n\nfunc (*Stripe) Ping(context.Context) error { return nil }")},
		{"the generated file", edit("clad_gen.go", "return", "return ")},
		{"a generated file that is away", func() { remove(t, filepath.Join(dir, "clad_gen.go")) }},
		{"a new package", func() { write(t, filepath.Join(dir, "new", "new.go"), "package new\n") }},
		{"a test", func() { write(t, filepath.Join(dir, "main_test.go"), "package main\n") }},
		{"a package that is away", func() { remove(t, filepath.Join(dir, "new", "new.go")) }},
		{"go.sum", func() { write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(dir, "go.sum"))+"\n") }},
		{"the environment", func() { t.Setenv("GOFLAGS", "-mod=mod") }},
		{"tags", func() { o.Tags = []string{"some"} }},
		{"patterns", func() { o.Patterns = []string{".", "./payments/..."} }},
		{"types", func() { o.Types, o.Patterns = []string{"Ledger"}, []string{"./payments/extra"} }},
		{"a module that is another now", func() {
			o.Types, o.Patterns = nil, nil
			write(t, filepath.Join(dir, "payments", "extra", "go.mod"), "module example.com/extra\n")
		}},
	} {
		c.change()
		runs := 0
		for ; runs < 4 && !recalled(); runs++ {
		}
		if runs == 0 {
			t.Errorf("%s: it did not look", c.what)
		}
		if runs > 2 {
			t.Errorf("%s: it looked each time", c.what)
		}
	}
	o.Anew = true
	if recalled() {
		t.Error("it was to look at everything")
	}
}

// A replacement that is a folder has no version to say what is in it.
func TestWhatReplacesAModuleIsLookedAt(t *testing.T) {
	dir := unpackAlone(t, app)
	other := t.TempDir()
	add(t, other, `
-- go.mod --
module example.com/other

go 1.25
-- other.go --
package other

type Teller interface{ Tell() error }
`)
	add(t, dir, `
-- payments/teller.go --
package payments

import "example.com/other"

type Bank interface{ other.Teller }
`)
	t.Setenv("GOFLAGS", "-mod=mod")
	goCommand(t, dir, "mod", "edit", "-require=example.com/other@v0.0.0", "-replace=example.com/other="+other)
	write(t, filepath.Join(dir, "main.go"), strings.Replace(read(t, filepath.Join(dir, "main.go")), "payments.New,", "func() payments.Bank { return nil },", 1))
	o := gen.Options{Dir: dir}
	expect(t, mustRun(t, o), "wrote clad_gen.go")
	for range 2 {
		expect(t, mustRun(t, o), "")
	}
	write(t, filepath.Join(other, "other.go"), "package other\n\ntype Teller interface{ Tell(int) error }\n")
	expect(t, mustRun(t, o), "wrote clad_gen.go")
}

// What a workspace vendors is in none of its modules.
func TestWhatAWorkspaceVendorsIsLookedAt(t *testing.T) {
	dir := unpackAlone(t, "-- go.work --\ngo 1.26.0\n\nuse ./app\n")
	remove(t, filepath.Join(dir, "go.mod"))
	module(t, filepath.Join(dir, "app"))
	add(t, filepath.Join(dir, "app"), app)
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOWORK", "")
	goCommand(t, dir, "work", "vendor")
	o := gen.Options{Dir: dir, Patterns: []string{"./app/..."}}
	expect(t, mustRun(t, o), "wrote app/clad_gen.go")
	mustRun(t, o)
	if r, err := run(t, o); err != nil || !r.Recalled {
		t.Fatalf("nothing has changed: %+v, %v", r, err)
	}
	write(t, filepath.Join(dir, "vendor", "go.uber.org", "fx", "more.go"), "package fx\n")
	if r, err := run(t, o); err != nil || r.Recalled {
		t.Errorf("a file that is vendored was not looked at: %v", err)
	}
}

// Nothing is known of what a C compiler reads, or of files that a flag puts in the
// place of others; and what is wrong is said again each time.
func TestRunsThatAreNeverTheSame(t *testing.T) {
	dir := unpackAlone(t, app)
	t.Setenv("GOFLAGS", "")
	o := gen.Options{Dir: dir}
	mustRun(t, o)
	looks := func(why string) {
		t.Helper()
		for range 2 {
			if r, _ := run(t, o); r == nil || r.Recalled {
				t.Errorf("%s: it did not look", why)
			}
		}
	}
	overlay := filepath.Join(t.TempDir(), "overlay.json")
	write(t, overlay, "{}")
	t.Setenv("GOFLAGS", "-overlay="+overlay)
	looks("an overlay")
	t.Setenv("GOFLAGS", "")
	write(t, filepath.Join(dir, "c.go"), "package main\n\n/*\nint one();\n*/\nimport \"C\"\n")
	looks("C")
	remove(t, filepath.Join(dir, "c.go"))
	write(t, filepath.Join(dir, "broken.go"), "package main\n\nfunc {\n")
	looks("a mistake")
	remove(t, filepath.Join(dir, "broken.go"))
	mustRun(t, o)
	if r, err := run(t, o); err != nil || !r.Recalled {
		t.Errorf("in the end: %v, %v", r, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(cache, "clad", "gen", "*.json"))
	if err != nil || len(kept) == 0 {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	for _, name := range kept {
		write(t, name, "{")
	}
	if r, err := run(t, o); err != nil || r.Recalled {
		t.Errorf("a ruin was recalled: %v, %v", r, err)
	}
}
