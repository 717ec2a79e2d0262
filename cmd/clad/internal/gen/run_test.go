package gen_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// app is a module that uses clad and has nothing generated yet.
const app = `
-- payments/payments.go --
package payments

import "context"

// Gateway takes money.
type Gateway interface {
	// Charge takes it.
	Charge(ctx context.Context, cents int) (receipt string, err error)
	//clad:once
	Refund(ctx context.Context, receipt string) error
	Close() error
}

type Stripe struct{}

func (*Stripe) Charge(context.Context, int) (string, error)  { return "", nil }
func (*Stripe) Refund(context.Context, string) error         { return nil }
func (*Stripe) Close() error                                 { return nil }

func New() Gateway { return &Stripe{} }
-- main.go --
package main

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

var gateway = container.Tag(payments.New, "external")

func main() { _ = gateway }
`

// unpack makes a module of an archive, for a test beside others: most of the time
// goes to the go command, which uses one processor.
func unpack(t *testing.T, archive string) (dir string) {
	t.Helper()
	t.Parallel()
	return unpackAlone(t, archive)
}

// unpackAlone is unpack for a test that changes the environment.
func unpackAlone(t *testing.T, archive string) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("runs the go command on a module of its own")
	}
	dir = t.TempDir()
	module(t, dir)
	add(t, dir, archive)
	return dir
}

func add(t *testing.T, dir, archive string) {
	t.Helper()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		write(t, filepath.Join(dir, f.Name), string(f.Data))
	}
}

func run(t *testing.T, o gen.Options) (*gen.Result, error) {
	t.Helper()
	if len(o.Patterns) == 0 && len(o.Types) == 0 {
		o.Patterns = []string{"./..."}
	}
	return gen.Run(t.Context(), o)
}

// mustRun runs and returns what is different afterwards: the base names of files
// written, removed and stale.
func mustRun(t *testing.T, o gen.Options) string {
	t.Helper()
	r, err := run(t, o)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for what, names := range map[string][]string{"wrote": r.Written, "removed": r.Removed, "stale": r.Stale} {
		for _, name := range names {
			rel, err := filepath.Rel(o.Dir, name)
			if err != nil {
				t.Fatal(err)
			}
			said = append(said, what+" "+filepath.ToSlash(rel))
		}
	}
	return strings.Join(said, ", ")
}

func expect(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// compiles fails the test if the module does not.
func compiles(t *testing.T, dir string, args ...string) {
	t.Helper()
	goCommand(t, dir, append(append([]string{"list", "-export", "-f="}, args...), "./...")...) // compiles, but links nothing
}

func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, clip(string(out)))
	}
	return string(out)
}

func TestWrittenOnlyWhenItChanges(t *testing.T) {
	dir := unpack(t, app)
	check := gen.Options{Dir: dir, Check: true}
	expect(t, mustRun(t, check), "stale clad_gen.go")
	expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
	compiles(t, dir)
	expect(t, mustRun(t, gen.Options{Dir: dir}), "")
	expect(t, mustRun(t, check), "")

	// The interface changes.
	payments := filepath.Join(dir, "payments/payments.go")
	write(t, payments, strings.ReplaceAll(read(t, payments), "cents int", "euros int"))
	expect(t, mustRun(t, check), "stale clad_gen.go")
	expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
	compiles(t, dir)

	// Nothing is tagged any more.
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() {}\n")
	expect(t, mustRun(t, check), "stale clad_gen.go")
	expect(t, mustRun(t, gen.Options{Dir: dir}), "removed clad_gen.go")
	expect(t, mustRun(t, check), "")
}

// TestOneGenerateLine is all that an application adds: the line, and the Tags.
func TestOneGenerateLine(t *testing.T) {
	dir := unpack(t, app)
	main := filepath.Join(dir, "main.go")
	write(t, main, "//go:generate go tool clad gen\n\n"+read(t, main))
	if out := goCommand(t, dir, "generate", "./..."); !strings.Contains(out, "clad_gen.go") {
		t.Errorf("it said %q", out)
	}
	compiles(t, dir)
}

// TestBrokenGeneratedFile: the file is what makes the package compile, so nothing
// that is wrong with it may keep it from being written.
func TestBrokenGeneratedFile(t *testing.T) {
	dir := unpack(t, app)
	file := filepath.Join(dir, "clad_gen.go")
	expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
	want := read(t, file)
	for name, broken := range map[string]string{
		"empty":               "",
		"cut off":             want[:len(want)/2],
		"merge conflict":      "<<<<<<< HEAD\n" + want + "=======\n" + want + ">>>>>>> other\n",
		"of another package":  strings.Replace(want, "package main", "package other", 1),
		"no package clause":   strings.Replace(want, "package main", "", 1),
		"missing import":      strings.Replace(want, "import (", "import (\n\t\"example.com/gone\"", 1),
		"import cycle":        strings.Replace(want, "import (", "import (\n\t_ \"example.com/app\"", 1),
		"outdated":            strings.ReplaceAll(want, "Charge", "Gone"),
		"declares what we do": want + "\nvar gateway = 1\n",
		"binary":              "\x00\x01\x02",
	} {
		t.Run(name, func(t *testing.T) {
			write(t, file, broken)
			expect(t, mustRun(t, gen.Options{Dir: dir, Check: true}), "stale clad_gen.go")
			expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
			if read(t, file) != want {
				t.Error("it came out different")
			}
		})
	}
}

// TestBrokenGeneratedFileOfADependency does not matter either.
func TestBrokenGeneratedFileOfADependency(t *testing.T) {
	dir := unpack(t, strings.Replace(app, "-- main.go --\npackage main", "-- wiring/wiring.go --\npackage wiring", 1)+`
func Use() any { return gateway }
-- main.go --
package main

import (
	"context"

	"example.com/app/wiring"

	"github.com/cladgo/clad/container"
)

type Clock interface{ Now(ctx context.Context) error }

var clock = container.Tag(func() Clock { return nil }, wiring.Policy)

`)
	wiring := filepath.Join(dir, "wiring/wiring.go")
	write(t, wiring, strings.Replace(read(t, wiring), "func main() { _ = gateway }", `const Policy = "p"`, 1))
	main := filepath.Join(dir, "main.go")
	write(t, main, read(t, main)+"\nfunc main() { _, _ = clock, wiring.Use() }\n")
	mustRun(t, gen.Options{Dir: dir})
	compiles(t, dir)
	want := read(t, filepath.Join(dir, "clad_gen.go"))
	generated := filepath.Join(dir, "wiring/clad_gen.go")
	for name, broken := range map[string]string{
		"outdated": strings.ReplaceAll(read(t, generated), "Charge", "Gone"),
		"ruined":   "<<<<<<<\n" + read(t, generated),
	} {
		t.Run(name, func(t *testing.T) {
			write(t, generated, broken)
			remove(t, filepath.Join(dir, "clad_gen.go"))
			expect(t, mustRun(t, gen.Options{Dir: dir, Patterns: []string{"."}}), "wrote clad_gen.go")
			if read(t, filepath.Join(dir, "clad_gen.go")) != want {
				t.Error("it came out different")
			}
		})
	}
}

func TestHandWrittenFileIsLeftAlone(t *testing.T) {
	dir := unpack(t, app)
	mine := "package main\n\nvar mine = 1\n"
	write(t, filepath.Join(dir, "clad_gen.go"), mine)
	_, err := run(t, gen.Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "was not written by clad gen") {
		t.Errorf("%v", err)
	}
	if read(t, filepath.Join(dir, "clad_gen.go")) != mine {
		t.Error("it was overwritten")
	}
	expect(t, mustRun(t, gen.Options{Dir: dir, Output: "proxies_gen.go"}), "wrote proxies_gen.go")
	compiles(t, dir)
}

// TestHandWrittenProxyStays: an interface for which somebody registers a proxy
// needs no other.
func TestHandWrittenProxyStays(t *testing.T) {
	dir := unpack(t, app+`
-- proxy.go --
package main

import (
	"example.com/app/payments"

	"github.com/cladgo/clad/container"
)

func init() {
	container.RegisterProxy(func(next payments.Gateway, m container.Methods) payments.Gateway { return next })
}
`)
	r, err := run(t, gen.Options{Dir: dir})
	if err != nil || len(r.Written) > 0 || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "proxy.go:10") {
		t.Errorf("wrote %v, notes %v, %v", r.Written, r.Notes, err)
	}
}

// TestTypeErrorsElsewhere: code that is being worked on, in functions that have
// nothing to do with tagging.
func TestTypeErrorsElsewhere(t *testing.T) {
	dir := unpack(t, app+"\n-- wip.go --\npackage main\n\nfunc wip() int { return undefined(\"\") }\n")
	expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
}

// TestMistakesLeaveTheFileAlone: a constructor that doesn't compile at the moment
// must not cost the proxies that are there.
func TestMistakesLeaveTheFileAlone(t *testing.T) {
	dir := unpack(t, app)
	mustRun(t, gen.Options{Dir: dir})
	want := read(t, filepath.Join(dir, "clad_gen.go"))
	for _, broken := range []string{
		"package main\n\nfunc main() {",
		"package main\n\nimport \"github.com/cladgo/clad/container\"\n\nvar gateway = container.Tag(undefined, \"external\")\n\nfunc main() {}\n",
	} {
		write(t, filepath.Join(dir, "main.go"), broken)
		if _, err := run(t, gen.Options{Dir: dir}); err == nil {
			t.Errorf("no error for %s", broken)
		}
		if read(t, filepath.Join(dir, "clad_gen.go")) != want {
			t.Fatal("the file was touched")
		}
	}
}

// TestWarnings: what a proxy can't do is said when it is written, and not again.
func TestWarnings(t *testing.T) {
	dir := unpack(t, app+`
-- more.go --
package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Old interface {
	Do(ctx context.Context) error
	Get(key string) (string, error)
	Put(key, value string) error
	Name() string
}

type Factory interface{ Gateway() any }

var _ = container.Tag(func() (Old, Factory) { return nil, nil }, "external")
`)
	o := gen.Options{Dir: dir}
	r, err := run(t, o)
	want := "main.Factory: none of its methods can be guarded; the head of the file says why\n" +
		"main.Old: 3 of 4 methods can be guarded; the head of the file says why\n" +
		"main.Old: no timeout can be enforced on Get, Put, for lack of a context"
	if got := strings.Join(r.Warnings, "\n"); got != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	if r, err = run(t, o); len(r.Warnings) > 0 || err != nil {
		t.Errorf("again: %v, %v", r.Warnings, err)
	}
}

// TestAdapters: what an adapter wraps gets no proxy, but word of the adapter
// where it isn't imported.
func TestAdapters(t *testing.T) {
	tagging := `package main

import (
	"database/sql/driver"
	"net/http"

	"github.com/cladgo/clad/container"
)

var (
	_ = container.Tag(func() *http.Client { return nil }, "external")
	_ = container.Tag(func() driver.Connector { return nil }, "external")
)

func main() {}
`
	dir := unpack(t, "-- main.go --\n"+tagging)
	r, err := run(t, gen.Options{Dir: dir})
	if err != nil || len(r.Written) > 0 || len(r.Warnings) != 2 ||
		!strings.HasSuffix(r.Warnings[0], "main.go:11: what wraps *http.Client is package github.com/cladgo/clad/container/cladhttp: import it here (as _, if for nothing else)") {
		t.Errorf("%+v, %v", r, err)
	}
	write(t, filepath.Join(dir, "main.go"), strings.Replace(tagging, "container\"\n", `container"
	_ "github.com/cladgo/clad/container/cladhttp"
	_ "github.com/cladgo/clad/container/cladsql"
`, 1))
	if r, err = run(t, gen.Options{Dir: dir}); err != nil || len(r.Written)+len(r.Warnings) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	// Who asks for a proxy by name gets one.
	expect(t, mustRun(t, gen.Options{Dir: dir, Types: []string{"database/sql/driver.Connector"}}), "wrote clad_gen.go")
}

func TestWorkspace(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"one", "two"} {
		module(t, filepath.Join(dir, name))
		add(t, filepath.Join(dir, name), strings.ReplaceAll(app, "example.com/app", "example.com/"+name))
		mod := filepath.Join(dir, name, "go.mod")
		write(t, mod, strings.Replace(read(t, mod), "example.com/app", "example.com/"+name, 1))
	}
	write(t, filepath.Join(dir, "go.work"), "go 1.26.0\n\nuse (\n\t./one\n\t./two\n)\n")
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOWORK", "")
	r, err := run(t, gen.Options{Dir: dir, Patterns: []string{"./one/...", "./two/..."}})
	if err != nil || len(r.Written) != 2 {
		t.Fatalf("wrote %v, %v", r.Written, err)
	}
	goCommand(t, dir, "list", "-export", "-f=", "./one/...", "./two/...")
}

func TestVendored(t *testing.T) {
	dir := unpackAlone(t, app)
	mustRun(t, gen.Options{Dir: dir})
	want := read(t, filepath.Join(dir, "clad_gen.go"))
	goCommand(t, dir, "mod", "vendor")
	t.Setenv("GOFLAGS", "-mod=vendor")
	remove(t, filepath.Join(dir, "clad_gen.go"))
	expect(t, mustRun(t, gen.Options{Dir: dir}), "wrote clad_gen.go")
	if read(t, filepath.Join(dir, "clad_gen.go")) != want {
		t.Error("it came out different")
	}
	compiles(t, dir)
}

// TestSelf: fx.Self is of fx 1.22, which the tool itself does not require.
func TestSelf(t *testing.T) {
	dir := unpack(t, app+`
-- self.go --
package main

import (
	"context"

	"github.com/cladgo/clad/container"
	"go.uber.org/fx"
)

type Fraud interface{ Check(ctx context.Context) error }

var fraud = container.Tag(fx.Annotate(func() Fraud { return nil }, fx.As(fx.Self())), "external")
`)
	mustRun(t, gen.Options{Dir: dir})
	if !strings.Contains(read(t, filepath.Join(dir, "clad_gen.go")), "newFraudProxy") {
		t.Error("there is no proxy of what fx.Self stands for")
	}
}
