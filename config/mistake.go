package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
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

// collector gathers mistakes. What several policies inherit, or several
// aliases repeat, is one mistake, told once.
type collector struct {
	found Mistakes
	told  map[Mistake]bool
}

func (c *collector) add(at Origin, p path, format string, args ...any) {
	m := Mistake{Origin: at, Problem: oneLine(fmt.Sprintf(format, args...))}
	if c.told[m] {
		return
	}
	if c.told == nil {
		c.told = map[Mistake]bool{}
	}
	c.told[m] = true
	m.Path = p.String()
	c.found = append(c.found, &m)
}

// oneLine keeps what a file smuggles into a message from breaking it.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

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
