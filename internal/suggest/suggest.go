// Package suggest finds the name that was probably meant, for error messages.
package suggest

import (
	"fmt"
	"strings"
	"unicode"
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
	return nearest(name, known, func(int) bool { return true })
}

// DidYouMean returns ` (did you mean "x"?)` to be appended to a message, or ""
// if no known name is near enough.
func DidYouMean(name string, known []string) string { return question(Nearest(name, known)) }

// Hints gives hints for any number of messages within a bound of work, after
// which it has none: thousands of wrong names beside thousands of right ones
// must not take minutes. The zero value is ready. It is not safe for concurrent
// use.
type Hints struct{ work int }

// maxWork is the work of all hints together, in letters compared with letters.
// It takes some tens of milliseconds.
const maxWork = 10_000_000

// candidateWork is that of looking at a name at all.
const candidateWork = 100

// Nearest is as the function of that name.
func (h *Hints) Nearest(name string, known []string) string {
	return nearest(name, known, func(work int) bool {
		h.work += work
		return h.work <= maxWork
	})
}

// DidYouMean is as the function of that name.
func (h *Hints) DidYouMean(name string, known []string) string {
	return question(h.Nearest(name, known))
}

// Among returns what DidYouMean does, or else a clause that lists what there is.
func Among(name string, known []string) string { return among(DidYouMean(name, known), known) }

// Among is as the function of that name.
func (h *Hints) Among(name string, known []string) string {
	return among(h.DidYouMean(name, known), known)
}

func among(hint string, known []string) string {
	if hint != "" {
		return hint
	}
	return "; there are: " + Few(known)
}

// Few lists names, as many as fit a message.
func Few(names []string) string {
	const most = 12
	switch {
	case len(names) == 0:
		return "none"
	case len(names) > most:
		return strings.Join(names[:most], ", ") + ", ..."
	default:
		return strings.Join(names, ", ")
	}
}

func question(nearest string) string {
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", nearest)
}

// nearest is Nearest, while allowed says that there may be so much more work.
func nearest(name string, known []string, allowed func(work int) bool) string {
	if len(name) > 4*maxLength {
		return ""
	}
	folded := fold(name)
	length := utf8.RuneCountInString(folded)
	if length < 2 || length > maxLength {
		return ""
	}
	best, bestScore := "", -1
	for _, candidate := range known {
		if len(candidate) > 4*maxLength {
			continue
		}
		if !allowed(candidateWork + length*len(candidate)) {
			return "" // half a search would depend on the order
		}
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

// distance scores two folded names, lower is nearer, and says if they are near.
func distance(a, b string) (score int, near bool) {
	shorter, longer := utf8.RuneCountInString(a), utf8.RuneCountInString(b)
	if shorter > longer {
		shorter, longer = longer, shorter
	}
	if longer > maxLength {
		return 0, false
	}
	if few := longer * 2 / 5; longer-shorter <= few { // else so many are missing
		if wrong := levenshtein.ComputeDistance(a, b); wrong <= few {
			return wrong, true
		}
	}
	// A part of the name is worse than any misspelling, and a short part says nothing.
	if shorter >= 4 && (strings.Contains(a, b) || strings.Contains(b, a)) {
		return maxLength + longer - shorter, true
	}
	return 0, false
}

func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '_', ' ':
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}
