package test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnApplicationInPackageVariablesStarts adopts clad in an application whose
// modules are package variables, as a newcomer would: before generation it says
// what is missing, and afterwards it runs.
func TestAnApplicationInPackageVariablesStarts(t *testing.T) {
	dir := newcomer(t)
	if err := os.Remove(filepath.Join(dir, "main.go")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS("startup")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(file string, _ os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(filepath.Base(file), "clad_gen"), strings.HasSuffix(file, "_test.go"):
			return os.Remove(file)
		case filepath.Ext(file) == ".go":
			code := bytes.ReplaceAll([]byte(read(t, file)), []byte("github.com/cladgo/clad/test/startup"), []byte("example.com/shop"))
			return os.WriteFile(file, code, 0o600)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := command(t, dir, "go", "run", ".").CombinedOutput()
	if err == nil {
		t.Errorf("it runs without proxies:\n%s", out)
	}
	for _, want := range []string{"bank.Bank", "bank.Vault", "market.Market", "in package example.com/shop/bank at ", "bank.go:", "run `go tool clad gen` in " + filepath.Join(dir, "bank")} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
	run(t, dir, "go", "tool", "clad", "gen", "./...")
	run(t, dir, "go", "vet", "./...")
	run(t, dir, "go", "run", ".")
}
