package config_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/cladgo/clad/config"
)

var update = flag.Bool("update", false, "rewrite the golden files and the generated part of the reference")

// One profile with one of each kind of mistake: each is told, with its place
// and in exactly these words.
func TestMistakes(t *testing.T) {
	environ, err := os.ReadFile("testdata/mistakes/environ")
	if err != nil {
		t.Fatal(err)
	}
	_, err = config.Load(config.Dir("testdata/mistakes"), "production", strings.Split(strings.TrimSpace(string(environ)), "\n"))
	var mistakes config.Mistakes
	if !errors.As(err, &mistakes) {
		t.Fatalf("Load: %v, want Mistakes", err)
	}
	golden(t, "testdata/mistakes/golden.txt", mistakes.Error()+"\n")

	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the errors show the value of a variable that is no setting")
	}
	for _, m := range mistakes {
		if m.Variable == "" && (m.File == "" || m.Line < 1 || m.Column < 1) {
			t.Errorf("a mistake without its place: %v", m)
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (-update writes it)", err)
	}
	if string(want) == got {
		return
	}
	wanted, gotten := strings.Split(string(want), "\n"), strings.Split(got, "\n")
	for i := range max(len(wanted), len(gotten)) {
		if w, g := at(wanted, i), at(gotten, i); w != g {
			t.Fatalf("%s:%d differs (-update rewrites it)\n got: %s\nwant: %s", file, i+1, g, w)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}
