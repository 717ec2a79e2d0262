package live

import (
	"strings"
	"unicode/utf8"

	"github.com/cladgo/clad/internal/printable"
)

const (
	deepest = 9 // how far a line that goes on is moved in: as far as WARNING takes
	longest = 3 // lines that one may become
)

// unfold has lines that are too long go on below themselves, what is wrong first, as
// long as there are no more than most.
func unfold(all []line, width, most int) []line {
	spare := most - len(all)
	parts := make([][]line, len(all))
	for _, wrong := range []bool{true, false} {
		for i, l := range all {
			if (l.style != nil) != wrong {
				continue
			}
			parts[i] = l.wrap(width)
			if more := len(parts[i]) - 1; more > spare || more >= longest {
				parts[i] = []line{l}
			} else {
				spare -= more
			}
		}
	}
	var lines []line
	for _, p := range parts {
		lines = append(lines, p...)
	}
	return lines
}

// wrap breaks a line between words, so that each part fits.
func (l line) wrap(width int) (parts []line) {
	text, indent := printable.Text(l.text), ""
	for utf8.RuneCountInString(indent+text) > width {
		room := []rune(text)[:max(1, width-len(indent)+1)]
		at := strings.LastIndexByte(strings.TrimRight(string(room), " "), ' ')
		if at <= deepest {
			break // one word that is too long
		}
		parts = append(parts, line{indent + text[:at], l.style})
		text, indent = text[at+1:], strings.Repeat(" ", deepest)
	}
	return append(parts, line{indent + text, l.style})
}
