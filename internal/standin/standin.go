// Package standin has the names that fallbacks are provided under, beside what they
// stand in for.
package standin

import "strings"

const word = "fallback"

// Named returns the name, or the group, of what stands in for one of that name or
// group; at most one of them is set.
func Named(name, group string) (standInName, standInGroup string) {
	switch {
	case group != "":
		return "", group + " " + word
	case name != "":
		return name + " " + word, ""
	}
	return word, ""
}

// Is reports whether what has this name, or is of this group, stands in for another.
// A profile that names no more than a type does not mean it, but that other.
func Is(name, group string) bool {
	return name == word || strings.HasSuffix(name, " "+word) || strings.HasSuffix(group, " "+word)
}
