package cladsql

import (
	"reflect"
	"slices"
	"strings"
)

// verdict is what an error says of the database.
type verdict int

const (
	// failure: the database, or the way to it, is in trouble.
	failure verdict = iota
	// undone is a failure after which a statement has certainly had no effect.
	undone
	// answer: the database works, and refuses.
	answer
)

// judge finds what an error says by what drivers have in common, so that none of
// them need be imported: the method SQLState (pgx, lib/pq), the fields of
// go-sql-driver/mysql, the result codes of SQLite. What says nothing is a failure.
func judge(err error) verdict {
	v := failure
	walk(err, func(err error) (found bool) {
		if s, ok := err.(interface{ SafeToRetry() bool }); ok && s.SafeToRetry() { // nothing was sent
			v = undone
			return true
		}
		if s, ok := err.(interface{ SQLState() string }); ok {
			v = judgeSQLState(s.SQLState())
			return true
		}
		if number, state, ok := mysqlFields(err); ok {
			v = judgeMySQL(number, state)
			return true
		}
		if c, ok := err.(interface{ Code() int }); ok && isSQLite(err) {
			v = judgeSQLite(c.Code())
			return true
		}
		return false
	})
	return v
}

// judgeSQLState knows the classes of SQLSTATE: those of the SQL standard, and
// PostgreSQL's.
func judgeSQLState(state string) verdict {
	if len(state) != 5 {
		return failure
	}
	switch state {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return undone
	}
	switch state[:2] {
	case "08", "40", "53", "57", "58", "70", "XX": // connection, rollback, resources, intervention, system, interrupted, internal
		return failure
	}
	return answer
}

// judgeMySQL knows what MySQL and MariaDB give a general SQLSTATE, or one that
// means something else.
func judgeMySQL(number uint64, state string) verdict {
	switch number {
	case 1205: // lock wait timeout; the statement is rolled back
		return undone
	case 1021, 1028, 1030, 1037, 1038, 1041, 1135, // out of disk, memory, threads; trouble in the storage engine
		1180, 1203, 1226, 3024: // at commit; too many connections of a user, or of resources; timed out
		return failure
	}
	if state == "HY000" || state == "" {
		return answer
	}
	return judgeSQLState(state)
}

// judgeSQLite knows the primary result codes.
func judgeSQLite(code int) verdict {
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED: to be tried again, says SQLite of a statement outside of transactions
		return undone
	case 7, 9, 10, 11, 13, 14, 15, 26: // NOMEM, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB
		return failure
	}
	return answer
}

// mysqlFields reads Number and SQLState of a MySQLError. It uses reflection, but
// only for what has already failed.
func mysqlFields(err error) (number uint64, state string, ok bool) {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct || !strings.Contains(v.Type().PkgPath(), "mysql") {
		return 0, "", false
	}
	n, s := v.FieldByName("Number"), v.FieldByName("SQLState")
	if !n.IsValid() || !n.CanUint() || !s.IsValid() || s.Type() != reflect.TypeFor[[5]byte]() {
		return 0, "", false
	}
	array := s.Interface().([5]byte)
	return n.Uint(), strings.Trim(string(array[:]), "\x00"), true
}

func isSQLite(err error) bool {
	t := reflect.TypeOf(err)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return strings.Contains(t.PkgPath(), "sqlite")
}

// walk visits the errors in err's tree until one is found.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return false
	}
	if visit(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // this is what unwraps
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return walk(err, visit) })
	}
	return false
}
