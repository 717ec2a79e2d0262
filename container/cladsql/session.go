package cladsql

import "strings"

// session is what is known of a connection: only on an idle one may anything be
// attempted again. In a transaction, a statement that is repeated after a
// deadlock would run alone, without the ones before it.
type session struct {
	state state
	// readOnlyTx and readOnly are whether the transaction, or all of them, were
	// told to be read-only.
	readOnlyTx, readOnly bool
}

type state int

const (
	idle          state = iota
	inTransaction       // begun by BeginTx, or by a statement
	unknown             // a statement may have changed it in ways that are not followed
)

func (s *session) begin(readOnly bool) {
	s.readOnlyTx = readOnly
	if s.state == idle {
		s.state = inTransaction
	}
}

func (s *session) end() {
	s.readOnlyTx = false
	if s.state == inTransaction {
		s.state = idle
	}
}

// note follows the statements that begin and end transactions.
func (s *session) note(query string) {
	first, rest := firstWord(query)
	var lower [longestKeyword]byte // made on the stack: this is asked before every statement
	switch string(lower[:copyLower(lower[:], first)]) {
	case "select", "insert", "update", "delete", "replace", "merge", "with", "values", "table",
		"show", "explain", "describe", "desc", "analyze", "pragma", "vacuum", "listen", "notify",
		"create", "alter", "drop", "truncate", "comment", "grant", "revoke", "reindex", "refresh", "use":
	case "begin", "start":
		s.begin(mentions(rest, "read") && mentions(rest, "only"))
	case "commit", "end", "rollback", "abort":
		if !mentions(rest, "to") && !mentions(rest, "chain") { // a savepoint, or the next transaction
			s.end()
		}
	case "set":
		if mentions(rest, "autocommit") || mentions(rest, "transaction") {
			s.state = unknown
		}
		if lower := strings.ToLower(rest); strings.Contains(lower, "read only") || strings.Contains(lower, "read_only") {
			s.readOnly = true
		}
	default:
		s.state = unknown
	}
	if strings.Contains(query, ";") && !isSingle(query) {
		s.state = unknown
	}
}

// longestKeyword is the length of the longest word that note knows, and one more,
// so that a longer word is told from it.
const longestKeyword = len("describe") + 1

// copyLower copies a word in lower case as far as there is room.
func copyLower(dst []byte, word string) int {
	n := min(len(dst), len(word))
	for i := range n {
		c := word[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst[i] = c
	}
	return n
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
