package check

import (
	"os"
	"strings"
	"unicode"
)

// sources reads the files that excerpts are from, once each.
type sources map[string][]string

// line returns a line of a file, or false if there is none (any more), or none
// that people could read. Line 0 is the file as a whole, which may be no file.
func (s sources) line(file string, n int) (string, bool) {
	if n < 1 {
		return "", false
	}
	lines, ok := s[file]
	if !ok {
		if text, err := os.ReadFile(file); err == nil {
			lines = strings.Split(string(text), "\n")
		}
		s[file] = lines
	}
	if n > len(lines) || len(lines[n-1]) > longestLine {
		return "", false
	}
	return strings.TrimSuffix(lines[n-1], "\r"), true
}

// longestLine is from where on a line is shown no more, in bytes: each of its
// mistakes would take the whole of it apart.
const longestLine = 10_000

// widestExcerpt is how much of a long line is shown, in characters.
const widestExcerpt = 100

// excerpt is one line of a source, and a mark below it.
type excerpt struct {
	text string
	mark string // spaces, then a caret and tildes under what is meant
}

// excerptOf shows what stands in a line at a column, which counts characters
// from 1.
func excerptOf(line string, column int) excerpt {
	runes := []rune(shown(line))
	at := min(max(column-1, 0), len(runes))
	end := at + wordLength(runes[at:])
	if len(runes) > widestExcerpt {
		from := max(0, min(at-widestExcerpt/2, len(runes)-widestExcerpt))
		to := min(len(runes), from+widestExcerpt)
		cut := runes[from:to:to]
		at, end = at-from, min(end, to)-from
		if from > 0 {
			cut = append([]rune{'…'}, cut...)
			at, end = at+1, end+1
		}
		if to < len(runes) {
			cut = append(cut, '…')
		}
		runes = cut
	}
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(runes[:at]))
	return excerpt{string(runes), indent + "^" + strings.Repeat("~", max(0, end-at-1))}
}

// shown replaces what would move the cursor, or worse, each by one sign: columns
// count them.
func shown(line string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, line)
}

// wordLength is the length of the key or value at the beginning of a text.
func wordLength(text []rune) int {
	if len(text) == 0 {
		return 0
	}
	if quote := text[0]; quote == '"' || quote == '\'' || quote == '`' {
		for i := 1; i < len(text); i++ {
			if text[i] == quote {
				return i + 1
			}
		}
	}
	for i, r := range text {
		if unicode.IsSpace(r) || strings.ContainsRune(",:{}[]()#", r) {
			if r == ':' && i+1 < len(text) && !unicode.IsSpace(text[i+1]) {
				continue // within a value
			}
			return max(i, 1)
		}
	}
	return len(text)
}
