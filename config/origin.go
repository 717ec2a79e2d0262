package config

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
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
func (o Origin) String() string {
	switch {
	case o.Variable != "":
		return "environment variable " + o.Variable
	case o.IsDefault():
		return "default"
	default:
		return o.File + ":" + strconv.Itoa(o.Line) + ":" + strconv.Itoa(o.Column)
	}
}

// path leads from the root of a profile to a value.
type path []string

func (p path) with(key string) path { return append(slices.Clip(p), key) }

var plainKey = regexp.MustCompile(`^[\pL\pN_-]+$`)

// String joins the keys with dots, and quotes those that have dots themselves.
func (p path) String() string {
	parts := make([]string, len(p))
	for i, key := range p {
		if !plainKey.MatchString(key) {
			key = strconv.Quote(key)
		}
		parts[i] = key
	}
	return strings.Join(parts, ".")
}
