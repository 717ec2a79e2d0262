// Package sqlerr knows the errors of SQL databases by their codes: PostgreSQL's and
// the standard's SQLSTATEs, the numbers of MySQL and MariaDB, SQLite's result codes.
// It imports no driver.
package sqlerr

import "github.com/cladgo/clad/policy"

// Meaning is what an error says of the database, of the statement, and of the
// connection.
type Meaning struct {
	Verdict  policy.Verdict
	NoEffect bool // the statement has certainly had no effect
	Neutral  bool // it says nothing of the database as a whole
	Lost     bool // the connection is gone
	Full     bool // the server takes no more connections than those that it has
	ReadOnly bool // the server takes no writes, or the transaction does
}

// Of returns what an error means that has a code, and whether it has one. It looks
// at err alone, and not at what that wraps.
func Of(err error) (m Meaning, ok bool) {
	if s, ok := err.(interface{ SQLState() string }); ok {
		return bySQLState(s.SQLState()), true
	}
	if e, ok := mysqlErrorOf(err); ok {
		return e.meaning(), true
	}
	if code, ok := SQLiteCode(err); ok {
		return bySQLiteCode(code), true
	}
	return Meaning{}, false
}
