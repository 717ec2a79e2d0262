//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode"
)

// obeyed is what a terminal obeys, or what writes a line of its own.
const obeyed = "\x1b[2J\nx\u009b1m\u202e"

// The names of files, profiles and variables reached the terminal as they were,
// and with them whatever somebody had hidden in them.
func TestNothingInNamesReachesTheTerminal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d"+obeyed)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	sound, mistaken := "a"+obeyed, "b"+obeyed
	for name, text := range map[string]string{
		sound:    "policies: {c--2j: {retry: 2}, e: {extends: c--2j}}\nservices: {pay.Gateway: {policy: e}}\n",
		mistaken: "policies: {\"a\\e[2J\": {retyr: 2}, b: {timeout: !!int \"1\\e[2J\"}}\n\"\\e[2J\": 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "p"+obeyed+".yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CLAD__POLICIES__C\x1b[2J__TIMEOUT", "9s") // each sign that is no letter stands for an underscore
	t.Setenv("CLAD__POLICIES__C"+obeyed, obeyed)
	for _, args := range [][]string{
		{"check", dir}, {"check", "-json", dir}, {"check", "-plain", dir}, {"check", "-color", "never", filepath.Join(dir, mistaken+".yaml")},
		{"check", filepath.Join(dir, "nowhere"+obeyed)}, {"check", "-" + obeyed}, {obeyed},
		{"explain", "-dir", dir, "-profile", mistaken}, {"explain", "-dir", dir, "-profile", "nowhere"},
		{"explain", "-dir", dir, "-profile", "p" + obeyed}, {"explain", "-dir", dir, "-profile", sound, obeyed},
	} {
		code, out, err := clad(t, args...)
		if code == ok {
			t.Errorf("%q: exit code %d", args, code)
		}
		wantObeyedNowhere(t, args, out+err)
	}
	if err := os.Unsetenv("CLAD__POLICIES__C" + obeyed); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"explain", "-dir", dir, "-profile", sound}, {"explain", "-dir", dir, "-profile", sound, "e"},
		{"explain", "-json", "-dir", dir, "-profile", sound}, {"explain", "-dir", dir, "-diff", sound, sound},
		{"check", filepath.Join(dir, sound+".yaml")},
	} {
		code, out, err := clad(t, args...)
		if code != ok || err != "" {
			t.Errorf("%q: exit code %d, %s", args, code, err)
		}
		wantObeyedNowhere(t, args, out)
	}
}

func wantObeyedNowhere(t *testing.T, args []string, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return r != '\t' && !unicode.IsPrint(r) }) || strings.HasPrefix(line, "x") {
			t.Errorf("%q prints %q", args, line)
		}
	}
}

// A pipe in the place of a profile had the tool wait for ever, first for the
// profile and then for the line to be shown of it.
func TestCheckDoesNotWaitForAPipe(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("a.yaml", 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"check", "."}, {"check", "a.yaml"}, {"explain", "-dir", ".", "-profile", "a"}} {
		code, out, err := clad(t, args...)
		if code == ok || !strings.Contains(out+err, "it is not a regular file but a pipe") {
			t.Errorf("%q: exit code %d, %s%s", args, code, out, err)
		}
	}
}

// Each mistake in a line of a megabyte took the whole line apart.
func TestCheckShowsNoEndlessLines(t *testing.T) {
	t.Chdir(t.TempDir())
	var text strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&text, "p%d: {retyr: 2}, ", i)
	}
	if err := os.WriteFile("a.yaml", []byte("policies: {"+text.String()+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ := clad(t, "check", ".")
	if code != failed || !strings.Contains(out, "1000 mistakes") || len(out) > 1<<20 {
		t.Errorf("exit code %d, %d bytes", code, len(out))
	}
}
