package check

import (
	"cmp"
	"fmt"
	"go/token"
	"strings"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/internal/keypath"
	"github.com/cladgo/clad/internal/printable"
)

// Finding is one mistake, or one thing worth noting.
type Finding struct {
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"` // 0 if it is of the file, or directory, as a whole
	Column   int    `json:"column,omitempty"`
	Variable string `json:"variable,omitempty"`
	Path     string `json:"path,omitempty"`
	Problem  string `json:"problem"`
	// Profiles are those that it shows in, if these are not all that read the
	// file.
	Profiles []string `json:"profiles,omitempty"`
	Note     bool     `json:"-"`
	Warning  bool     `json:"-"` // a note that may cost money
}

func findingOf(m *config.Mistake) Finding {
	return Finding{File: m.File, Line: m.Line, Column: m.Column, Variable: m.Variable, Path: m.Path, Problem: m.Problem}
}

// atSetting is a finding at a place of a profile.
func atSetting(origin config.Origin, path []string, format string, args ...any) Finding {
	return Finding{File: origin.File, Line: origin.Line, Column: origin.Column, Variable: origin.Variable,
		Path: keypath.Join(path...), Problem: fmt.Sprintf(format, args...)}
}

// inCode is a finding at a place in the code.
func inCode(place token.Position, format string, args ...any) Finding {
	return Finding{File: place.Filename, Line: place.Line, Column: place.Column, Problem: fmt.Sprintf(format, args...)}
}

// Place returns "file:line:column", "environment variable NAME", or as much of
// that as there is, with nothing in the names that a terminal would obey.
func (f Finding) Place() string {
	switch {
	case f.Variable != "":
		return "environment variable " + printable.Text(f.Variable)
	case f.Line > 0:
		return fmt.Sprintf("%s:%d:%d", printable.Text(f.File), f.Line, f.Column)
	default:
		return printable.Text(f.File)
	}
}

// String returns the finding on one line.
func (f Finding) String() string { return f.Place() + ": " + f.message() }

func (f Finding) message() string {
	var parts []string
	switch {
	case f.Warning:
		parts = append(parts, "warning")
	case f.Note:
		parts = append(parts, "note")
	}
	if f.Path != "" {
		parts = append(parts, f.Path)
	}
	text := strings.Join(append(parts, f.Problem), ": ")
	if len(f.Profiles) > 0 {
		text += " (in " + strings.Join(f.Profiles, ", ") + ")"
	}
	return printable.Text(text)
}

// byPlace orders findings as a reader meets their places, variables last.
func byPlace(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Variable, b.Variable),
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Path, b.Path),
		cmp.Compare(a.Problem, b.Problem))
}
