// Package suggest finds the name that was probably meant, for error messages.
package suggest

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// maxLength bounds the work: nobody misspells a longer name by a letter or two.
const maxLength = 200

// Nearest returns the known name nearest to name, or "" if none is near enough.
// Case, dashes, underscores and spaces make no difference. Near is a name with
// at most two letters in five wrong, then one that contains name or that name
// contains ("breaker" for "circuit_breaker"). The order of known does not matter.
func Nearest(name string, known []string) string {
	folded := fold(name)
	if length := utf8.RuneCountInString(folded); length < 2 || length > maxLength {
		return ""
	}
	best, bestScore := "", -1
	for _, candidate := range known {
		score, near := distance(folded, fold(candidate))
		if !near {
			continue
		}
		if bestScore < 0 || score < bestScore || score == bestScore && candidate < best {
			best, bestScore = candidate, score
		}
	}
	return best
}

// DidYouMean returns ` (did you mean "x"?)` to be appended to a message, or ""
// if no known name is near enough.
func DidYouMean(name string, known []string) string {
	nearest := Nearest(name, known)
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", nearest)
}

// distance scores two folded names, lower is nearer, and says if they are near.
func distance(a, b string) (score int, near bool) {
	shorter, longer := utf8.RuneCountInString(a), utf8.RuneCountInString(b)
	if shorter > longer {
		shorter, longer = longer, shorter
	}
	if longer > maxLength {
		return 0, false
	}
	if wrong := levenshtein.ComputeDistance(a, b); wrong <= longer*2/5 {
		return wrong, true
	}
	// A part of the name is worse than any misspelling, and a short part says nothing.
	if shorter >= 4 && (strings.Contains(a, b) || strings.Contains(b, a)) {
		return maxLength + longer - shorter, true
	}
	return 0, false
}

func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(name))
}
