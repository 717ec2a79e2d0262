// Package terminal colours text where it is shown on a terminal.
package terminal

import (
	"fmt"
	"io"
	"os"
)

// Colours colours text, or leaves it as it is. The zero value leaves it.
type Colours struct{ on bool }

// For decides whether what is written to w is coloured. mode is "always",
// "never" or "auto": on a terminal, unless NO_COLOR is set or TERM is dumb.
func For(w io.Writer, mode string, getenv func(string) string) (Colours, error) {
	switch mode {
	case "always":
		return Colours{true}, nil
	case "never":
		return Colours{}, nil
	case "auto":
		return Colours{getenv("NO_COLOR") == "" && getenv("TERM") != "dumb" && isTerminal(w)}, nil
	default:
		return Colours{}, fmt.Errorf("-color %s: it must be auto, always or never", mode)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Bold is for what a reader looks for first.
func (c Colours) Bold(text string) string { return c.style("1", text) }

// Dim is for what a reader may pass over.
func (c Colours) Dim(text string) string { return c.style("2", text) }

// Red is for what is wrong.
func (c Colours) Red(text string) string { return c.style("1;31", text) }

// Yellow is for what may be wrong.
func (c Colours) Yellow(text string) string { return c.style("33", text) }

// Green is for what is right.
func (c Colours) Green(text string) string { return c.style("32", text) }

func (c Colours) style(code, text string) string {
	if !c.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
