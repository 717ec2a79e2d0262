package verdict

import (
	"reflect"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/sqlerr"
	"github.com/cladgo/clad/policy"
)

// database is SQL databases: PostgreSQL by pgx and lib/pq, MySQL and MariaDB by
// go-sql-driver, SQLite by mattn's and modernc's drivers, and database/sql around
// them.
var database = client{
	types: map[string]func(error) Meaning{
		mysqlError:                          ofSQL,
		"github.com/mattn/go-sqlite3.Error": ofSQL,
		"github.com/mattn/go-sqlite3.ErrNo": ofSQL,
		"modernc.org/sqlite.Error":          ofSQL,

		"github.com/jackc/pgx/pgconn.ParseConfigError": always(refused),
		"github.com/jackc/pgx.ScanArgError":            always(answered),
		"github.com/jackc/pgx.scanArgError":            always(answered), // before 5.7
		"github.com/jackc/pgx/pgconn.connLockError":    ofPGLock,

		"github.com/jackc/pgx/pgconn.ConnectError": ofPGConnect,
	},
	around: map[string]func(error, Meaning) Meaning{
		"github.com/jackc/pgx/pgconn.ConnectError": connects,

		"fmt.wrapError": ofArgument,
	},
	methods: []method{
		{reflect.TypeFor[sqlStateError](), ofSQL},
		{reflect.TypeFor[safeToRetry](), func(err error) Meaning {
			if err.(safeToRetry).SafeToRetry() { //nolint:errorlint // this error, not what it wraps
				return unmade
			}
			return unknown
		}},
	},
	texts: map[string]Meaning{
		"sql: database is closed":                                                    refused,
		"sql: connection is already closed":                                          refused,
		"sql: transaction has already been committed or rolled back":                 mistaken,
		"sql: statement is closed":                                                   refused,
		"sql: Rows are closed":                                                       mistaken,
		"sql: driver does not support the use of Named Parameters":                   refused,
		"sql: driver does not support non-default isolation level":                   refused,
		"sql: driver does not support read-only transactions":                        refused,
		"driver: bad connection":                                                     failed,   // lib/pq says it also after the statement was sent
		"no rows in result set":                                                      answered, // older pgx; SQL has no other words for it
		"pq: SSL is not enabled on the server":                                       hopeless,
		"pq: could not complete operation in a failed transaction":                   answered,
		"this user requires mysql native password authentication":                    hopeless,
		"packet for query is too large. Try adjusting the `Config.MaxAllowedPacket`": refused,
		"mysql: driver does not support the use of Named Parameters":                 refused,
	},
	beginnings: map[string]Meaning{
		"sql: expected ": mistaken, // so many arguments, or so many places for a row
		"unsupported Scan, storing driver.Value type ": answered,
		"pq: encode: unknown type for ":                refused,
		"pq: got ":                                     refused, // more parameters than it takes
	},
	names: namesOfSQL(),
}

const mysqlError = "github.com/go-sql-driver/mysql.MySQLError"

// sqlStateError is what pgx and lib/pq give to each error that a server answered
// with.
type sqlStateError interface {
	error
	SQLState() string
}

// safeToRetry is what pgx gives to errors that may have come before anything was
// sent.
type safeToRetry interface {
	error
	SafeToRetry() bool
}

func ofSQL(err error) Meaning {
	m, _ := sqlerr.Of(err)
	return Meaning{Verdict: m.Verdict, NoEffect: m.NoEffect, Neutral: m.Neutral}
}

// ofPGConnect knows a server without TLS, which the client says in a text alone, but
// within an error of its own. Of several hosts, a line each, another may be well soon.
func ofPGConnect(err error) Meaning {
	if wraps(err, isText("server refused TLS connection")) && !strings.Contains(err.Error(), "\n") {
		return hopeless
	}
	return unknown
}

// ofPGLock tells a connection that another call is using from one that is gone.
func ofPGLock(err error) Meaning {
	if err.Error() == "conn busy" {
		return waited
	}
	return unmade
}

// ofArgument knows arguments that cannot be sent, and columns that do not fit what
// they are scanned into, where what is wrapped, the user's own conversion perhaps, is
// not known to have failed. What is scanned was done before.
func ofArgument(err error, within Meaning) Meaning {
	text := err.Error()
	scanned := strings.HasPrefix(text, "sql: Scan error on column index ")
	switch {
	case scanned && within.Verdict == policy.Failed:
		within.NoEffect = false
	case within != unknown:
	case scanned:
		return answered
	case strings.HasPrefix(text, "failed to encode args["), strings.HasPrefix(text, "sql: converting argument "):
		return refused
	}
	return within
}

// namesOfSQL lets profiles name errors as the databases do: by PostgreSQL's
// condition names, MySQL's symbols and SQLite's result codes.
func namesOfSQL() map[string]func(error) bool {
	names := map[string]func(error) bool{
		"pgx.ErrNoRows":      isNoRows,
		"pgx.ErrTooManyRows": isText("too many rows in result set"),
		"sql.ErrTxDone":      isText("sql: transaction has already been committed or rolled back"),
		"sql.ErrConnDone":    isText("sql: connection is already closed"),
		"driver.ErrBadConn":  isText("driver: bad connection"),
	}
	for name, state := range map[string]string{
		"UniqueViolation": "23505", "ForeignKeyViolation": "23503", "NotNullViolation": "23502", "CheckViolation": "23514",
		"ExclusionViolation": "23P01", "SerializationFailure": "40001", "DeadlockDetected": "40P01", "LockNotAvailable": "55P03",
		"QueryCanceled": "57014", "AdminShutdown": "57P01", "TooManyConnections": "53300", "InsufficientPrivilege": "42501",
		"UndefinedTable": "42P01", "ReadOnlySQLTransaction": "25006", "RaiseException": "P0001",
	} {
		names["pg."+name] = func(err error) bool {
			e, ok := err.(sqlStateError) //nolint:errorlint // whoever asks walks the tree
			return ok && e.SQLState() == state
		}
	}
	for name, numbers := range map[string][]int64{
		"ER_DUP_ENTRY": {1062, 1586}, "ER_LOCK_DEADLOCK": {1213}, "ER_LOCK_WAIT_TIMEOUT": {1205}, "ER_NO_REFERENCED_ROW": {1216, 1452},
		"ER_ROW_IS_REFERENCED": {1217, 1451}, "ER_BAD_NULL_ERROR": {1048}, "ER_ACCESS_DENIED_ERROR": {1045}, "ER_SIGNAL_EXCEPTION": {1644},
	} {
		names["mysql."+name] = func(err error) bool {
			return isType(err, mysqlError) && slices.Contains(numbers, number(err, "Number"))
		}
	}
	for name, code := range map[string]int64{
		"SQLITE_BUSY": 5, "SQLITE_LOCKED": 6, "SQLITE_READONLY": 8, "SQLITE_FULL": 13, "SQLITE_CONSTRAINT": 19,
	} {
		names["sqlite."+name] = func(err error) bool {
			c, ok := sqlerr.SQLiteCode(err)
			return ok && c&0xff == code
		}
	}
	return names
}

// isNoRows tells pgx's error, which newer versions make of database/sql's, and give
// a type.
func isNoRows(err error) bool {
	return err.Error() == "no rows in result set" && (isType(err, "github.com/jackc/pgx.proxyError") || reflect.TypeOf(err) == typeOfText)
}
