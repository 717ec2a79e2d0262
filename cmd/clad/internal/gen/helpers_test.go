package gen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the folder of clad's own go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// module makes dir a module that uses this clad: with the requirements of the
// module in from, or of clad itself but for a newer fx, as applications have.
func module(t *testing.T, dir, from string) {
	t.Helper()
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	edits := []string{"mod", "edit", "-module=example.com/app",
		"-require=github.com/cladgo/clad@v0.1.0", "-replace=github.com/cladgo/clad=" + root(t)}
	if from == "" {
		from = root(t)
		edits = append(edits, "-require=go.uber.org/fx@v1.24.0", "-require=go.uber.org/dig@v1.19.0")
	}
	write(t, filepath.Join(dir, "go.mod"), read(t, filepath.Join(from, "go.mod")))
	edit := exec.CommandContext(t.Context(), "go", edits...)
	edit.Dir = dir
	if out, err := edit.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var sums strings.Builder
	for _, folder := range []string{from, root(t), filepath.Join(root(t), "examples/app")} {
		sums.WriteString(read(t, filepath.Join(folder, "go.sum")))
	}
	write(t, filepath.Join(dir, "go.sum"), sums.String())
}

// corpusModules lists the modules that the module in dir requires itself.
func corpusModules(t *testing.T, dir string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd, err)
	}
	var paths []string
	for path := range strings.FieldsSeq(string(out)) {
		if path != "github.com/cladgo/clad" {
			paths = append(paths, path)
		}
	}
	return paths
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
