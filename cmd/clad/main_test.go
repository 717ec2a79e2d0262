package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clad runs a command line and returns what it said.
func clad(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args     string
		code     int
		out, err string // parts of what is said, "" for nothing
	}{
		{"", misuse, "", "clad gen"},
		{"help", ok, "write the proxies", ""},
		{"--help", ok, "Exit codes", ""},
		{"-h", ok, "go get -tool", ""},
		{"help gen", ok, "//go:generate go tool clad gen", ""},
		{"gen -h", ok, "-check", ""},
		{"gen --help", ok, "//clad:once", ""},
		{"help version", ok, "clad version", ""},
		{"help ge", misuse, "", "unknown command"},
		{"version", ok, "clad ", ""},
		{"--version", ok, "go1.", ""},
		{"version now", misuse, "", "takes no arguments"},
		{"vesion", misuse, "", `unknown command "vesion" (did you mean "version"?)`},
		{"gen -chek", misuse, "", `-chek (did you mean "-check"?)`},
		{"gen ./... -chek", misuse, "", `-chek (did you mean "-check"?)`},
		{"gen -o", misuse, "", "flag needs an argument"},
		{"gen ./gone", failed, "", "gone"},
		{"gen -- ./gone", failed, "", "gone"},
		{"gen -o a/b.go", failed, "", "-o a/b.go"},
	} {
		t.Run(c.args, func(t *testing.T) {
			code, out, err := clad(t, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			said(t, "standard output", out, c.out)
			said(t, "standard error", err, c.err)
		})
	}
}

func said(t *testing.T, where, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) || want == "" && got != "" {
		t.Errorf("%s: %q, want %q", where, got, want)
	}
}

// TestGenAndCheck goes the way of a user: the file is stale, is written, is not
// stale any more. Flags may follow the packages.
func TestGenAndCheck(t *testing.T) {
	dir := t.TempDir()
	module(t, dir)
	t.Chdir(dir)

	code, out, err := clad(t, "gen", "./...", "-check")
	if code != failed || out != "clad_gen.go\n" || !strings.Contains(err, "1 file is stale") {
		t.Errorf("before: %d, %q, %q", code, out, err)
	}
	if _, err := os.Stat("clad_gen.go"); err == nil {
		t.Error("-check wrote")
	}
	if code, out, err = clad(t, "gen"); code != ok || out != "clad_gen.go\n" {
		t.Errorf("gen: %d, %q, %q", code, out, err)
	}
	if code, out, err = clad(t, "gen", "-check", "./..."); code != ok || out != "" {
		t.Errorf("after: %d, %q, %q", code, out, err)
	}
	if code, out, err = clad(t, "gen", "-v"); code != ok || out != "" || !strings.Contains(err, "1 proxy, 1 method") {
		t.Errorf("again: %d, %q, %q", code, out, err)
	}
	if code, out, err = clad(t, "gen", "-type", "Gone,error"); code != failed || out != "" ||
		!strings.Contains(err, "has no Gone\n") || !strings.Contains(err, "clad gen: no proxy for error: ") {
		t.Errorf("refused: %d, %q, %q", code, out, err)
	}
}

// module makes dir a module that tags one constructor.
func module(t *testing.T, dir string) {
	t.Helper()
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.sum": string(sum),
		"go.mod": strings.Replace(string(mod), "module github.com/cladgo/clad", "module example.com/app", 1) +
			"\nrequire github.com/cladgo/clad v0.0.0\n\nreplace github.com/cladgo/clad => " + root + "\n",
		"main.go": `package main

import (
	"context"

	"github.com/cladgo/clad/container"
)

type Gateway interface {
	Charge(ctx context.Context) error
}

var gateway = container.Tag(func() Gateway { return nil }, "external")

func main() { _ = gateway }
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
