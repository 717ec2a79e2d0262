package sqltest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
)

// saying is a database that says one thing, by the type of a driver.
type saying struct{ err error }

func (s saying) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (saying) Driver() driver.Driver                          { return nil }
func (saying) Prepare(string) (driver.Stmt, error)            { return nil, errors.ErrUnsupported }
func (saying) Close() error                                   { return nil }
func (saying) Begin() (driver.Tx, error)                      { return nil, errors.ErrUnsupported }

func (s saying) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return nil, s.err
}

func mysqlError(number uint16, state, message string) error {
	e := &mysql.MySQLError{Number: number, Message: message}
	copy(e.SQLState[:], state)
	return e
}

// said is what an error of a driver's means to a write under three attempts.
type said struct {
	err                       error
	attempts, trips, answered uint64
}

// What cannot be had of a server that others use as well, by the drivers' own types.
var sayings = map[string]said{
	"lock wait timeout":        {mysqlError(1205, "HY000", "Lock wait timeout exceeded"), 3, 0, 0},
	"deadlock":                 {mysqlError(1213, "40001", "Deadlock found"), 3, 0, 0},
	"--read-only":              {mysqlError(1290, "HY000", "The MariaDB server is running with the --read-only option so it cannot execute this statement"), 3, 1, 0},
	"--secure-file-priv":       {mysqlError(1290, "HY000", "The MariaDB server is running with the --secure-file-priv option so it cannot execute this statement"), 1, 0, 1},
	"read-only mode":           {mysqlError(1836, "HY000", "Running in read-only mode"), 3, 1, 0},
	"packet too large":         {mysqlError(1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes"), 1, 0, 1},
	"access denied":            {mysqlError(1045, "28000", "Access denied"), 1, 0, 1},
	"unknown database":         {mysqlError(1049, "42000", "Unknown database"), 1, 0, 1},
	"duplicate entry":          {mysqlError(1062, "23000", "Duplicate entry"), 1, 0, 1},
	"disk full":                {mysqlError(1021, "HY000", "Disk full"), 1, 1, 0},
	"shutting down":            {mysqlError(1053, "08S01", "Server shutdown in progress"), 1, 1, 0},
	"invalid connection":       {mysql.ErrInvalidConn, 1, 1, 0},
	"malformed packet":         {mysql.ErrMalformPkt, 1, 1, 0},
	"hot standby":              {&pgconn.PgError{Code: "25006"}, 3, 1, 0},
	"cancelled by the server":  {&pgconn.PgError{Code: "57014"}, 3, 1, 0},
	"serialization":            {&pgconn.PgError{Code: "40001"}, 3, 0, 0},
	"shut down":                {&pgconn.PgError{Code: "57P01"}, 1, 1, 0},
	"unique":                   {&pgconn.PgError{Code: "23505"}, 1, 0, 1},
	"serialization, by lib/pq": {&pq.Error{Code: "40001"}, 3, 0, 0},
	"permission, by lib/pq":    {&pq.Error{Code: "42501"}, 1, 0, 1},
	"out of memory, by lib/pq": {&pq.Error{Code: "53200"}, 1, 1, 0},
	"no rows":                  {sql.ErrNoRows, 1, 0, 1},
	"what nobody has heard of": {errors.New("what?"), 1, 1, 0},
}

func TestDriversErrorsAreUnderstood(t *testing.T) {
	for name, want := range sayings {
		o := newOrchestrator(t)
		if err := o.RegisterCircuitBreaker("b", policy.CircuitBreaker{FailureThreshold: 1}); err != nil {
			t.Fatal(err)
		}
		r, err := o.For("db", policy.Combine(policy.CircuitBreaker{Name: "b"}, atOnce(3)))
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(cladsql.Wrap(saying{want.err}, r))
		_, err = db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		if want.attempts == 1 && err != want.err || !errors.Is(err, want.err) { //nolint:errorlint // where nothing was retried
			t.Errorf("%s: came out as %T %v", name, err, err)
		}
		m := o.Metrics()
		if got := (said{want.err, m.RetryAttempts + 1, m.CircuitBreakerTrips, m.Answered}); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
		_ = db.Close()
	}
}
