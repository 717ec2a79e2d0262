package cladsql

import "strings"

// session is what is known of a connection: only on an idle one may anything be
// attempted again. In a transaction, a statement that is repeated after a
// deadlock would run alone, without the ones before it.
type session int

const (
	idle          session = iota
	inTransaction         // begun by BeginTx, or by a statement
	unknown               // a statement may have changed it in ways that are not followed
)

func (s *session) begin() {
	if *s == idle {
		*s = inTransaction
	}
}

func (s *session) end() {
	if *s == inTransaction {
		*s = idle
	}
}

// note follows the statements that begin and end transactions.
func (s *session) note(query string) {
	first, rest := firstWord(query)
	switch first {
	case "select", "insert", "update", "delete", "replace", "merge", "with", "values", "table",
		"show", "explain", "describe", "desc", "analyze", "pragma", "vacuum", "listen", "notify",
		"create", "alter", "drop", "truncate", "comment", "grant", "revoke", "reindex", "refresh":
	case "begin", "start":
		s.begin()
	case "commit", "end", "rollback", "abort":
		if !mentions(rest, "to") && !mentions(rest, "chain") { // a savepoint, or the next transaction
			s.end()
		}
	case "set":
		if mentions(rest, "autocommit") || mentions(rest, "transaction") {
			*s = unknown
		}
	default:
		*s = unknown
	}
	if strings.Contains(query, ";") && !isSingle(query) {
		*s = unknown
	}
}

// mentions reports whether a word is in a statement, perhaps in a string.
func mentions(query, word string) bool {
	for field := range strings.FieldsFuncSeq(query, func(r rune) bool { return !isWordRune(r) }) {
		if strings.EqualFold(field, word) {
			return true
		}
	}
	return false
}
