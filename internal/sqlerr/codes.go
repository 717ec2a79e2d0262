package sqlerr

import (
	"reflect"
	"strings"

	"github.com/cladgo/clad/policy"
)

var (
	answered = Meaning{Verdict: policy.Answered}
	failed   = Meaning{Verdict: policy.Failed}
	// goneAway is the failure of one connection.
	goneAway = Meaning{Verdict: policy.Failed, Lost: true}
	// rolledBack is a failure after which nothing was done.
	rolledBack = Meaning{Verdict: policy.Failed, NoEffect: true}
	// contended met another transaction: to be tried again, says the database,
	// which works.
	contended = Meaning{Verdict: policy.Failed, NoEffect: true, Neutral: true}
	// crowded: the server has as many connections as it takes.
	crowded = Meaning{Verdict: policy.Failed, NoEffect: true, Full: true}
	// readOnly: the server takes no writes, as after a failover.
	readOnly = Meaning{Verdict: policy.Failed, NoEffect: true, ReadOnly: true}
)

// bySQLState knows the SQLSTATEs of the SQL standard and of PostgreSQL.
func bySQLState(state string) Meaning {
	if len(state) != 5 {
		return failed
	}
	switch state {
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
		return contended
	case "57014", "57P03": // cancelled, or the server's own timeout; not accepting connections yet
		return rolledBack
	case "25006":
		return readOnly
	case "53300":
		return crowded
	case "40002", "08P01": // a constraint at commit; nonsense of the caller's, of a connection that goes on
		return answered
	case "25P03", "25P04": // idle in a transaction, or in one for too long
		return Meaning{Verdict: policy.Answered, Lost: true}
	case "57P01", "57P02", "57P05": // shut down, crashed, idle for too long
		return goneAway
	}
	switch state[:2] {
	case "08":
		return goneAway
	case "40", "53", "57", "58", "70", "F0", "HV", "XX": // rollback, resources, intervention, system, interrupted, configuration, foreign server, internal
		return failed
	}
	return answered
}

// mysqlError is what a MySQLError holds.
type mysqlError struct {
	number  uint64
	state   string
	message string
}

// meaning knows what MySQL and MariaDB give a general SQLSTATE, or one that means
// something else.
func (e mysqlError) meaning() Meaning {
	switch e.number {
	case 1205, 1213, 3572: // lock wait timeout, deadlock, NOWAIT
		return contended
	case 1040, 1203, 1226: // too many connections, of all or of a user
		return crowded
	case 1290: // the server runs with an option that forbids it; which, says the message alone
		if strings.Contains(e.message, "read-only") || strings.Contains(e.message, "read_only") {
			return readOnly
		}
		return answered
	case 1792, 1836: // in a read-only transaction, in read-only mode
		return readOnly
	case 1153: // the packet is too large, and the connection closed
		return Meaning{Verdict: policy.Answered, Lost: true}
	case 1053, 1927: // shutting down, connection killed
		return goneAway
	case 1021, 1028, 1030, 1037, 1038, 1041, 1114, 1129, 1135, // out of disk, memory, threads; trouble in the storage engine; host blocked
		1180, 1206, 1969, 3024: // at commit; out of locks; timed out
		return failed
	}
	if e.state == "HY000" || e.state == "" {
		return answered
	}
	return bySQLState(e.state)
}

// mysqlErrorOf reads a MySQLError. It uses reflection, but only for what has
// already failed.
func mysqlErrorOf(err error) (e mysqlError, ok bool) {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct || !v.IsValid() || !strings.Contains(v.Type().PkgPath(), "mysql") {
		return e, false
	}
	number, state, message := v.FieldByName("Number"), v.FieldByName("SQLState"), v.FieldByName("Message")
	if !number.IsValid() || !number.CanUint() || !state.IsValid() || state.Type() != reflect.TypeFor[[5]byte]() ||
		message.Kind() != reflect.String {
		return e, false
	}
	array := state.Interface().([5]byte)
	return mysqlError{number.Uint(), strings.Trim(string(array[:]), "\x00"), message.String()}, true
}

// bySQLiteCode knows the primary result codes.
func bySQLiteCode(code int64) Meaning {
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED: to be tried again, says SQLite of a statement outside of transactions
		return contended
	case 7, 9, 10, 11, 13, 14, 15, 26: // NOMEM, INTERRUPT, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB
		return failed
	}
	return answered
}

// SQLiteCode finds SQLite's result code in an error of one of its drivers: a
// method Code (modernc.org/sqlite), a field Code (mattn/go-sqlite3's Error), or
// the error itself (its ErrNo).
func SQLiteCode(err error) (code int64, ok bool) {
	v := reflect.Indirect(reflect.ValueOf(err))
	if !v.IsValid() || !strings.Contains(v.Type().PkgPath(), "sqlite") {
		return 0, false
	}
	if e, ok := err.(interface{ Code() int }); ok {
		return int64(e.Code()), true
	}
	if v.Kind() == reflect.Struct {
		v = v.FieldByName("Code")
	}
	if !v.IsValid() || !v.CanInt() {
		return 0, false
	}
	return v.Int(), true
}
