package terminal_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/terminal"
)

func TestFor(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // what a terminal is, too
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	for name, tt := range map[string]struct {
		w    any
		mode string
		env  map[string]string
		want bool
	}{
		"a buffer":                 {&bytes.Buffer{}, "auto", nil, false},
		"a file":                   {file, "auto", nil, false},
		"a terminal":               {device, "auto", nil, true},
		"a terminal, NO_COLOR":     {device, "auto", map[string]string{"NO_COLOR": "1"}, false},
		"a terminal, not NO_COLOR": {device, "auto", map[string]string{"NO_COLOR": ""}, true},
		"a dumb terminal":          {device, "auto", map[string]string{"TERM": "dumb"}, false},
		"always":                   {&bytes.Buffer{}, "always", map[string]string{"NO_COLOR": "1"}, true},
		"never":                    {device, "never", nil, false},
	} {
		w, _ := tt.w.(interface{ Write([]byte) (int, error) })
		c, err := terminal.For(w, tt.mode, func(key string) string { return tt.env[key] })
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Red("x") != "x"; got != tt.want {
			t.Errorf("%s: coloured is %v, want %v", name, got, tt.want)
		}
	}
	if _, err := terminal.For(&bytes.Buffer{}, "sometimes", os.Getenv); err == nil {
		t.Error("-color sometimes is accepted")
	}
}

func TestStyles(t *testing.T) {
	c, err := terminal.For(&bytes.Buffer{}, "always", os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	for _, style := range []func(string) string{c.Bold, c.Dim, c.Red, c.Yellow, c.Green} {
		if got := style("x"); len(got) < 8 || got[0] != '\x1b' {
			t.Errorf("%q has no style", got)
		}
		if got := style(""); got != "" {
			t.Errorf("%q for nothing", got)
		}
	}
}
