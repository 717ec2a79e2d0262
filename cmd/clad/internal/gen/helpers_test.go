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

// module makes dir an application that uses this clad. It requires what the
// example does, all of it: to let each go command find out what is missing would
// cost more than the tests.
func module(t *testing.T, dir string) {
	t.Helper()
	example := filepath.Join(root(t), "examples", "app")
	mod := strings.NewReplacer(
		"module github.com/cladgo/clad/examples/app", "module example.com/app",
		"=> ../../cmd/clad", "=> "+filepath.Join(root(t), "cmd", "clad"),
		"=> ../..", "=> "+root(t),
	).Replace(read(t, filepath.Join(example, "go.mod")))
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(example, "go.sum")))
}

// corpusModule makes dir a module with the requirements of the one in from.
func corpusModule(t *testing.T, dir, from string) {
	t.Helper()
	t.Setenv("GOFLAGS", "-mod=mod")
	write(t, filepath.Join(dir, "go.mod"), read(t, filepath.Join(from, "go.mod")))
	goCommand(t, dir, "mod", "edit", "-module=example.com/app",
		"-require=github.com/cladgo/clad@v0.1.0", "-replace=github.com/cladgo/clad="+root(t))
	write(t, filepath.Join(dir, "go.sum"), read(t, filepath.Join(from, "go.sum"))+read(t, filepath.Join(root(t), "go.sum")))
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
