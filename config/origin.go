package config

import (
	"slices"
	"strconv"

	"github.com/cladgo/clad/internal/keypath"
	"github.com/cladgo/clad/internal/printable"
)

// Origin is where a value comes from: a place in a file, an environment
// variable, or, for the zero Origin, the default.
type Origin struct {
	// File is the file's name in the file system given to Load, below the
	// path given to Dir. Line and Column count from 1.
	File         string
	Line, Column int
	// Variable is the name of the environment variable.
	Variable string
}

// IsDefault reports whether nobody set the value.
func (o Origin) IsDefault() bool { return o == Origin{} }

// String returns "file:line:column", "environment variable NAME" or "default".
// Signs in the names that a terminal would obey are written as in Go, "\x1b".
func (o Origin) String() string {
	switch {
	case o.Variable != "":
		return "environment variable " + printable.Text(o.Variable)
	case o.IsDefault():
		return "default"
	default:
		return printable.Text(o.File) + ":" + strconv.Itoa(o.Line) + ":" + strconv.Itoa(o.Column)
	}
}

// path leads from the root of a profile to a value.
type path []string

func (p path) with(key string) path { return append(slices.Clip(p), key) }

// String joins the keys with dots, and quotes those that have dots themselves.
func (p path) String() string { return keypath.Join(p...) }
