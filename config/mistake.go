package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/printable"
	"github.com/cladgo/clad/internal/suggest"
)

// Mistake is one thing that is wrong in a profile.
type Mistake struct {
	// Origin is the place of the mistake.
	Origin
	// Path leads to the setting, its keys joined with dots; empty where the
	// mistake is not one of a setting, as with a syntax error.
	Path string
	// Problem says what is wrong and how to mend it.
	Problem string
}

// Error returns "file:line:column: path: problem" on one line.
func (m *Mistake) Error() string {
	if m.Path == "" {
		return m.Origin.String() + ": " + m.Problem
	}
	return m.Origin.String() + ": " + m.Path + ": " + m.Problem
}

// Mistakes are all that is wrong in a profile, by file, line and column, those
// of environment variables last. Load returns them as its error.
type Mistakes []*Mistake

// Error returns the mistakes, one on each line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = mistake.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives errors.As each *Mistake.
func (m Mistakes) Unwrap() []error {
	errs := make([]error, len(m))
	for i, mistake := range m {
		errs[i] = mistake
	}
	return errs
}

// maxMistakes is how many are listed. Whoever has more has given another kind of
// file, and would not read them.
const maxMistakes = 1000

// collector gathers mistakes. What several policies inherit, or several
// aliases repeat, is one mistake, reported once.
type collector struct {
	found    Mistakes
	reported map[Mistake]bool
	hints    suggest.Hints
}

func (c *collector) add(at Origin, p path, format string, args ...any) {
	if c.isFull() {
		return
	}
	m := Mistake{Origin: at, Problem: printable.Text(fmt.Sprintf(format, args...))}
	if c.reported[m] {
		return
	}
	if c.reported == nil {
		c.reported = map[Mistake]bool{}
	}
	c.reported[m] = true
	m.Path = p.String()
	c.found = append(c.found, &m)
	if c.isFull() {
		m.Problem += fmt.Sprintf("; there may be more, but no more than %d mistakes are listed", maxMistakes)
	}
}

// isFull reports whether there is no use in looking for further mistakes.
func (c *collector) isFull() bool { return len(c.found) == maxMistakes }

// err returns the mistakes in the order of their places, or nil.
func (c *collector) err() error {
	if len(c.found) == 0 {
		return nil
	}
	slices.SortStableFunc(c.found, func(a, b *Mistake) int {
		return cmp.Or(
			cmp.Compare(a.Variable, b.Variable), // files have none, so they come first
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Problem, b.Problem))
	})
	return c.found
}
