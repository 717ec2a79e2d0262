package cladpgx

import "strings"

// isSingle reports whether a statement is done as a whole or not at all: it is one, and
// neither a procedure nor a block, which may commit in the middle. A semicolon in a
// string makes it more than one, which does no harm.
func isSingle(sql string) bool {
	sql = strings.TrimSpace(sql)
	for {
		switch {
		case strings.HasPrefix(sql, "--"):
			_, sql, _ = strings.Cut(sql, "\n")
		case strings.HasPrefix(sql, "/*"):
			comment, rest, _ := strings.Cut(sql[2:], "*/")
			if strings.Contains(comment, "/*") { // PostgreSQL nests them
				return false
			}
			sql = rest
		default:
			word := sql
			if end := strings.IndexFunc(sql, func(r rune) bool { return (r|' ') < 'a' || (r|' ') > 'z' }); end >= 0 {
				word = sql[:end]
			}
			return word != "" && !strings.EqualFold(word, "call") && !strings.EqualFold(word, "do") &&
				!strings.Contains(strings.TrimRight(sql, "; \t\r\n"), ";")
		}
		sql = strings.TrimSpace(sql)
	}
}
