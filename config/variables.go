package config

import (
	"slices"
	"strings"
	"unicode"
)

// prefix begins the name of every variable that overrides a setting, and
// separator separates the keys of its path.
const (
	prefix    = "CLAD__"
	separator = "__"
)

// variableOf names the variable for a path.
func variableOf(p path) string {
	keys := make([]string, len(p))
	for i, key := range p {
		keys[i] = upper(key)
	}
	return prefix + strings.Join(keys, separator)
}

// upper writes a key as the names of variables have it: letters and digits, the
// rest as underscores.
func upper(key string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToUpper(r)
		}
		return '_'
	}, key)
}

// index finds the keys that stand, or could stand, under one place by what the
// names of variables have for them.
type index struct {
	keys  []string // sorted, or in the order of an object's fields
	upper map[string][]string
}

// under returns the index of a place.
func (e *environment) under(at place) index {
	id := at.path.String()
	known, ok := e.indexes[id]
	if ok {
		return known
	}
	known.upper = map[string][]string{}
	if at.definition.kind == object {
		known.keys = at.definition.fieldKeys()
	} else {
		known.keys = at.keys() // none, but of a table
	}
	for _, key := range known.keys {
		known.upper[upper(key)] = append(known.upper[upper(key)], key)
	}
	e.indexes[id] = known
	return known
}

// maxSteps bounds the work of finding what variables mean: names that begin with
// one another can be taken apart in many ways.
const maxSteps = 1_000_000

// settable finds every place that rest, what the name of a variable says of the
// path from at on, may mean.
func (e *environment) settable(at place, rest string) []place {
	known := e.under(at)
	if len(known.keys) == 0 {
		return nil
	}
	var found []place
	for end := 1; end <= len(rest) && e.steps < maxSteps; end++ {
		e.steps++
		tail := rest[end:]
		if tail != "" && !strings.HasPrefix(tail, separator) {
			continue
		}
		for _, key := range known.upper[rest[:end]] {
			if tail == "" {
				found = append(found, at.field(key))
			} else {
				found = append(found, e.settable(at.field(key), tail[len(separator):])...)
			}
		}
	}
	slices.SortFunc(found, func(a, b place) int { return slices.Compare(a.path, b.path) })
	return found
}
