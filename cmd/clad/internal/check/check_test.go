package check_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/check"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
)

// run checks a directory with one profile, and returns what is printed.
func run(t *testing.T, dir, text string) (*check.Result, string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "test.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := check.Run(t.Context(), check.Options{Dirs: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r.Print(&out, terminal.Colours{})
	return r, strings.ReplaceAll(out.String(), dir+string(filepath.Separator), "")
}

func TestExcerpts(t *testing.T) {
	long := strings.Repeat("x", 150)
	for name, tt := range map[string]struct{ text, want string }{
		"a key":             {"retyr: 3", "  1 | retyr: 3\n    | ^~~~~\n"},
		"a value":           {"policies:\n  a: {timeout: 5}", "  2 |   a: {timeout: 5}\n    |                ^\n"},
		"in quotes":         {`policies: {a: {timeout: "5 s"}}`, "  1 | policies: {a: {timeout: \"5 s\"}}\n    |                         ^~~~~\n"},
		"after other signs": {"policies: {größe: {timeout: 5}}", "  1 | policies: {größe: {timeout: 5}}\n    |                             ^\n"},
		"after a tab":       {"policies: {a:\t{timeout: 5}}", "  1 | policies: {a:\t{timeout: 5}}\n    |              \t          ^\n"},
		"a time":            {"policies: {a: {timeout: 12:30}}", "  1 | policies: {a: {timeout: 12:30}}\n    |                         ^~~~~\n"},
		"without its end":   {"policies: {a: {timeout: \"5", "  1 | policies: {a: {timeout: \"5\n    | ^~~~~~~~\n"},
		"with a CR":         {"retyr: 3\r\n", "  1 | retyr: 3\n    | ^~~~~\n"},
		"of a long line":    {"policies: {" + long + ": {timeout: 5}}", "  1 | …" + strings.Repeat("x", 87-4+2) + ": {timeout: 5}}\n    | " + strings.Repeat(" ", 98) + "^\n"},
		"of a long value":   {"policies: {a: {timeout: " + long + "}}", "  1 | policies: {a: {timeout: " + strings.Repeat("x", 76) + "…\n    |                         ^" + strings.Repeat("~", 75) + "\n"},
		"that misleads":     {"policies: {a: {timeout: \"\u202e5\"}}", "  1 | policies: {a: {timeout: \"�5\"}}\n    |                         ^~~~\n"},
		"of an empty file":  {"", "  1 | \n    | ^\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, out := run(t, t.TempDir(), tt.text)
			if !strings.Contains(out, "\n"+tt.want) {
				t.Errorf("got\n%s\nwant\n%s", out, tt.want)
			}
		})
	}
}

// The same file in the directory and on its own is one profile.
func TestProfilesAreCheckedOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "test.yaml")
	if err := os.WriteFile(file, []byte("retyr: 3"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := check.Run(t.Context(), check.Options{Dirs: []string{dir, dir}, Files: []string{file}})
	if err != nil || len(r.Profiles) != 1 || len(r.Mistakes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// Whatever is in a file: every mistake is told, on lines that say nothing to the
// terminal.
func FuzzCheck(f *testing.F) {
	for _, file := range []string{"../../../../config/testdata/mistakes/production.yaml", "../../../../configs/production.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("\x1b[2Jpolicies: {a: 1}")
	f.Add("policies: {\"\\e[2J\u202e\": {timeout: 5}}\r\n\tx")
	f.Add("policies: {'")
	f.Add("policies: {a: {timeout: !\u202ex 5}}")
	f.Fuzz(func(t *testing.T, text string) {
		r, out := run(t, t.TempDir(), text)
		if got := strings.Count(out, "\n\n"); len(r.Mistakes) > 0 && got < len(r.Mistakes) {
			t.Errorf("%d mistakes, %d told:\n%s", len(r.Mistakes), got, out)
		}
		if !utf8.ValidString(out) {
			t.Errorf("not UTF-8: %q", out)
		}
		for _, c := range out {
			if c != '\n' && c != '\t' && !unicode.IsPrint(c) {
				t.Fatalf("it does something to the terminal: %q", out)
			}
		}
		var plain bytes.Buffer
		r.PrintPlain(&plain)
		if n := strings.Count(plain.String(), "\n"); n != len(r.Mistakes)+len(r.Notes) {
			t.Errorf("%d lines for %d mistakes:\n%s", n, len(r.Mistakes), plain.String())
		}
		if err := r.PrintJSON(&plain); err != nil {
			t.Error(err)
		}
	})
}
