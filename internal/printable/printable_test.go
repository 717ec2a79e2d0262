package printable_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode"

	"github.com/cladgo/clad/internal/printable"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "",
		"configs/äöü 日本.yaml":   "configs/äöü 日本.yaml",
		`C:\configs\a.yaml`:     `C:\configs\a.yaml`,
		"a\x1b[2Jb":             `a\x1b[2Jb`,
		"a\r\nb\tc\x00\x7f":     `a\r\nb\tc\x00\x7f`,
		"c1 \u009b2J":           `c1 \u009b2J`,
		"bidi \u202Egnp.exe":    `bidi \u202egnp.exe`,
		"line\u2028 nbsp\u00a0": `line\u2028 nbsp\u00a0`,
		"no UTF-8 \xff\xfe":     `no UTF-8 \xff\xfe`,
		"replaced \uFFFD":       "replaced \uFFFD",
		"tag \U000E0041":        `tag \U000e0041`,
	} {
		if got := printable.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestJSONKeepsItsMeaning(t *testing.T) {
	const name = "a\u009b2J \u202E \U000E0041 \u2028"
	text, err := json.MarshalIndent(map[string]string{"name": name}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	shown := printable.JSON(text)
	var back map[string]string
	if err := json.Unmarshal(shown, &back); err != nil || back["name"] != name {
		t.Errorf("%q, %v; want %q", back["name"], err, name)
	}
	if i := bytes.IndexFunc(shown, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }); i >= 0 {
		t.Errorf("not printable at %d: %q", i, shown)
	}
}

func TestLinesKeepTheirLayout(t *testing.T) {
	var b strings.Builder
	n, err := fmt.Fprintf(printable.Writer(&b), "a\tb\n%s\n", "c\x1b[2J")
	if want := "a\tb\nc\\x1b[2J\n"; err != nil || n != len("a\tb\nc\x1b[2J\n") || b.String() != want {
		t.Errorf("%q, %d, %v; want %q", b.String(), n, err, want)
	}
}

func TestErrorKeepsWhatItWraps(t *testing.T) {
	err := printable.Error(&fs.PathError{Op: "open", Path: "a\x1b[2J", Err: fs.ErrNotExist})
	if want := `open a\x1b[2J: file does not exist`; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("it is not fs.ErrNotExist any more")
	}
	if err := printable.Error(nil); err != nil {
		t.Error(err)
	}
}
