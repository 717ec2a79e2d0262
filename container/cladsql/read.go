package cladsql

import "strings"

// IsRead reports whether a statement is known to do nothing but read, so that to
// repeat it is safe. It knows SELECT and the like, of PostgreSQL, MySQL and
// SQLite, and is careful: a statement that writes in any of its parts, locks rows
// to update them, is several statements, calls a function that is not known to be
// harmless, or is written in a way that databases read differently, is not known
// to be a read. What views and operators do is not seen.
//
// It reads the statement's text, and is asked only after a failure.
func IsRead(query string) bool {
	var (
		t        = tokens{rest: query}
		previous token
		dotted   bool // previous follows a dot
		first    = true
		ended    bool
	)
	for {
		tok, ok := t.next()
		tok.text = strings.ToLower(tok.text)
		switch {
		case !ok:
			return false
		case tok.kind == end:
			return !first
		case ended:
			return false // another statement
		}
		switch {
		case tok.kind == symbol && tok.text == ";":
			ended = true
		case first && tok.kind == symbol && tok.text == "(":
		case first:
			if tok.kind != word || !readers[tok.text] {
				return false
			}
			first = false
		case tok.kind == word && writers[tok.text]:
			return false
		case tok.kind == symbol && tok.text == "(":
			if previous.kind == quoted || previous.kind == word && (dotted || !callable[previous.text]) {
				return false
			}
		case tok.kind == symbol && tok.text == ":" && t.peek() == '=':
			return false // an assignment
		}
		dotted = previous.kind == symbol && previous.text == "."
		previous = tok
	}
}

// isSingle reports whether a text is known to be one statement.
func isSingle(query string) bool {
	t := tokens{rest: query}
	ended := false
	for {
		tok, ok := t.next()
		switch {
		case !ok:
			return false
		case tok.kind == end:
			return true
		case ended:
			return false
		}
		ended = tok.kind == symbol && tok.text == ";"
	}
}
