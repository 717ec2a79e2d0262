package cladsql

import (
	"strings"
	"unicode/utf8"
)

// tokens reads SQL as far as all databases agree on what it is. Where they do
// not, next gives up, so that nobody takes a comment for code or a string for
// both.
type tokens struct{ rest string }

type token struct {
	kind kind
	text string // of words and symbols, as it is written
}

type kind int

const (
	end    kind = iota
	word        // a keyword or a name
	quoted      // a quoted name, or a string: MySQL takes "x" for one
	number
	symbol // one character
)

// next returns the next token; ok is false where the text can be read in more
// than one way.
func (t *tokens) next() (tok token, ok bool) {
	if !t.skipSpace() {
		return token{}, false
	}
	if t.rest == "" {
		return token{kind: end}, true
	}
	r, size := utf8.DecodeRuneInString(t.rest)
	switch {
	case r == '\'', r == '"', r == '`':
		return token{kind: quoted}, t.skipQuoted(byte(r))
	case r >= '0' && r <= '9':
		t.take(isWordRune)
		return token{kind: number}, true
	case r == '$' && len(t.rest) > 1 && t.rest[1] >= '0' && t.rest[1] <= '9': // a parameter
		t.rest = t.rest[1:]
		t.take(isWordRune)
		return token{kind: number}, true
	case r == '[': // an array, or SQLite's way to quote a name
		if name, _, closed := strings.Cut(t.rest, "]"); !closed || strings.ContainsAny(name, "'\"`") {
			return token{}, false
		}
	case r == '$', r == '#', r == '\\': // a string of PostgreSQL's, a comment of MySQL's
		return token{}, false
	case isWordRune(r):
		text := t.take(func(r rune) bool { return r == '$' || isWordRune(r) })
		if len(text) <= 2 && strings.HasPrefix(t.rest, "'") { // E'', b'', U&'': strings with rules of their own
			return token{}, false
		}
		return token{word, text}, true
	}
	t.rest = t.rest[size:]
	return token{symbol, string(r)}, true
}

// peek returns the byte that follows the last token.
func (t *tokens) peek() byte {
	if t.rest == "" {
		return 0
	}
	return t.rest[0]
}

// take takes the runes of a word or number.
func (t *tokens) take(is func(rune) bool) string {
	n := strings.IndexFunc(t.rest, func(r rune) bool { return !is(r) })
	if n < 0 {
		n = len(t.rest)
	}
	text := t.rest[:n]
	t.rest = t.rest[n:]
	return text
}

// skipSpace skips white space and comments.
func (t *tokens) skipSpace() (ok bool) {
	for {
		t.rest = strings.TrimLeft(t.rest, " \t\r\n\f\v")
		switch {
		case strings.HasPrefix(t.rest, "--"):
			if len(t.rest) > 2 && !strings.ContainsRune(" \t\r\n", rune(t.rest[2])) {
				return false // two minus signs to MySQL
			}
			_, t.rest, _ = strings.Cut(t.rest, "\n")
		case strings.HasPrefix(t.rest, "/*"):
			comment, rest, closed := strings.Cut(t.rest[2:], "*/")
			if !closed || strings.Contains(comment, "/*") || // which PostgreSQL nests
				strings.HasPrefix(comment, "!") || strings.HasPrefix(comment, "M!") { // which MySQL executes
				return false
			}
			t.rest = rest
		default:
			return true
		}
	}
}

// skipQuoted skips a text in quotes, which stands for one of them by two. A
// backslash escapes in some databases only.
func (t *tokens) skipQuoted(quote byte) (ok bool) {
	for i := 1; i < len(t.rest); i++ {
		switch t.rest[i] {
		case '\\':
			return false
		case quote:
			if i+1 < len(t.rest) && t.rest[i+1] == quote {
				i++
				continue
			}
			t.rest = t.rest[i+1:]
			return true
		}
	}
	return false
}

// firstWord returns the word that a statement begins with, and the text after it.
func firstWord(query string) (first, rest string) {
	t := tokens{rest: query}
	for {
		tok, ok := t.next()
		if !ok {
			return "", ""
		}
		if tok.kind == symbol && tok.text == "(" {
			continue
		}
		return tok.text, t.rest
	}
}

func isWordRune(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r >= utf8.RuneSelf
}
