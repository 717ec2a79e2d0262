package cladsql_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/cladgo/clad/policy"
)

const aRead, aWrite = "SELECT a FROM t", "INSERT INTO t VALUES (1)"

// kinds returns the first words of what a fake was asked, from a line on.
func (f *fake) kinds(from int) string {
	var kinds []string
	for _, line := range f.log[from:] {
		kinds = append(kinds, strings.Fields(line)[0])
	}
	return strings.Join(kinds, " ")
}

// used opens a database under a runner, and has it keep a connection that was used.
func used(t *testing.T, f *fake, r policy.Runner) *sql.DB {
	t.Helper()
	db := openUnder(t, f, r)
	if err := query(t, db, aRead); err != nil {
		t.Fatal(err)
	}
	return db
}

// Calls that an open breaker refused took a connection all the same, and had it
// reset: a dead one was taken for fresh, and met the next probe.
func TestRefusedOperationsLeaveConnectionsAlone(t *testing.T) {
	f := &fake{}
	box := newOrchestrator(t)
	if err := box.RegisterCircuitBreaker("b", policy.CircuitBreaker{}); err != nil {
		t.Fatal(err)
	}
	r, err := box.For("db", policy.CircuitBreaker{Name: "b"})
	if err != nil {
		t.Fatal(err)
	}
	db := used(t, f, r)
	b, _ := box.CircuitBreaker("b")
	b.ForceOpen()
	n := len(f.log)
	if err := query(t, db, aRead); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
	if got := f.kinds(n); got != "valid" {
		t.Errorf("the driver was asked for %q", got)
	}
}

// Whoever reaches for the driver's own connection finds it reset.
func TestConnectionIsResetBeforeItIsUnwrapped(t *testing.T) {
	f := &fake{}
	db := used(t, f, runner(t, atOnce(2)))
	n := len(f.log)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(c any) error { _ = c.(interface{ Unwrap() driver.Conn }).Unwrap(); return nil })
	if err != nil || f.kinds(n) != "reset" {
		t.Errorf("%q, %v", f.kinds(n), err)
	}
}

// A connection that is found to be of no use, before anything was sent by it, is
// replaced: that is neither an attempt nor a failure, with a retry or without.
func TestStaleConnectionIsReplacedUnnoticed(t *testing.T) {
	for kind, use := range map[string]func(*sql.DB) error{
		"reset":           func(db *sql.DB) error { return query(t, db, aRead) },
		"ping":            func(db *sql.DB) error { return db.PingContext(t.Context()) },
		"exec-context":    func(db *sql.DB) error { _, err := db.ExecContext(t.Context(), aWrite); return err },
		"query-context":   func(db *sql.DB) error { return query(t, db, aRead) },
		"prepare-context": func(db *sql.DB) error { return prepared(t, db, aWrite, true) },
		"begin-context": func(db *sql.DB) error {
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				return err
			}
			return tx.Rollback()
		},
	} {
		box := newOrchestrator(t)
		r, err := box.For("db", policy.CircuitBreaker{FailureThreshold: 1})
		if err != nil {
			t.Fatal(err)
		}
		f := &fake{}
		db := used(t, f, r)
		f.fail = failing(1, kind, driver.ErrBadConn)
		if err := use(db); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if f.count("connect") != 2 || f.count("close") != 1 {
			t.Errorf("%s: %q", kind, f.log)
		}
		if m := box.Metrics(); m.FailedOperations != 0 {
			t.Errorf("%s: counted %+v", kind, m.Totals)
		}
	}
}

// The driver's word for a connection of no use went to database/sql, which began
// the policy anew up to three times, and gave that word to the caller.
func TestConnectionsThatStayBadAreAttemptedAsThePolicySays(t *testing.T) {
	for kind, use := range map[string]func(*sql.DB) error{
		"connect":       func(db *sql.DB) error { return db.PingContext(t.Context()) },
		"exec-context":  func(db *sql.DB) error { _, err := db.ExecContext(t.Context(), aWrite); return err },
		"query-context": func(db *sql.DB) error { return query(t, db, aRead) },
		"prepare-context": func(db *sql.DB) error {
			s, err := db.PrepareContext(t.Context(), aRead)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			return nil
		},
		"begin-context": func(db *sql.DB) error { _, err := db.BeginTx(t.Context(), nil); return err },
	} {
		f := &fake{fail: failing(100, kind, driver.ErrBadConn)}
		err := use(open(t, f, policy.CircuitBreaker{}, atOnce(4)))
		var exhausted *policy.RetriesExhaustedError
		if !errors.As(err, &exhausted) || exhausted.Attempts != 4 || errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%s: %v", kind, err)
		}
		if f.count(kind) != 4 || f.count("connect") != 4 {
			t.Errorf("%s: %d attempts on %d connections, want one on each of 4", kind, f.count(kind), f.count("connect"))
		}
		if open := f.count("connect") - f.count("close"); kind != "connect" && open != 0 {
			t.Errorf("%s: %d connections are left open", kind, open)
		}
	}
}

// What was done on a connection since it came from the pool is lost with it:
// nothing goes on without that on another one.
func TestConnectionInUseIsNotReplaced(t *testing.T) {
	f := &fake{}
	db := used(t, f, runner(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "SET search_path TO a"); err != nil {
		t.Fatal(err)
	}
	f.fail = failing(1, "query-context", driver.ErrBadConn)
	err = drain(conn.QueryContext(t.Context(), aRead))
	if err != driver.ErrBadConn { //nolint:errorlint // as the driver said it
		t.Errorf("got %v", err)
	}
	if f.count("connect") != 1 || f.count("query-context") != 2 {
		t.Errorf("the driver was asked for %q", f.log)
	}
	_ = conn.Close()
	if err := query(t, db, aRead); err != nil { // and no breaker has heard of it
		t.Errorf("afterwards: %v", err)
	}
}

func TestSessionIsResetBetweenAttempts(t *testing.T) {
	f := &fake{}
	db := used(t, f, runner(t, atOnce(3)))
	n := len(f.log)
	f.fail = failing(1, "query-context", errLost)
	if err := query(t, db, aRead); err != nil {
		t.Fatal(err)
	}
	if got := f.kinds(n); got != "reset query-context valid reset query-context close-rows valid" {
		t.Errorf("the driver was asked for %q", got)
	}
}

// A driver that closes its connection when a statement times out met the next
// attempt with a bad connection.
func TestConnectionThatBecameInvalidIsReplacedBetweenAttempts(t *testing.T) {
	f := &fake{}
	db := used(t, f, runner(t, atOnce(3)))
	n := len(f.log)
	query1, invalid := failing(1, "query-context", errLost), failing(1, "valid", errLost)
	f.fail = func(what string) error { return errors.Join(query1(what), invalid(what)) }
	if err := query(t, db, aRead); err != nil {
		t.Fatal(err)
	}
	if got := f.kinds(n); got != "reset query-context valid close connect query-context close-rows valid" {
		t.Errorf("the driver was asked for %q", got)
	}
}

// Statements are prepared on a connection, and go with it.
func TestStatementIsPreparedAnewOnAnotherConnection(t *testing.T) {
	f := &fake{}
	db := openUnder(t, f, runner(t, policy.CircuitBreaker{FailureThreshold: 1}))
	s, err := db.PrepareContext(t.Context(), aWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, kind := range []string{"reset", "stmt-exec-context"} {
		n := len(f.log)
		f.fail = failing(1, kind, driver.ErrBadConn)
		if _, err := s.ExecContext(t.Context()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if got := f.kinds(n); !strings.HasSuffix(got, "close connect prepare-context close-stmt stmt-exec-context valid") {
			t.Errorf("%s: the driver was asked for %q", kind, got)
		}
	}
}

// The others that were idle when a connection was lost are looked at before they
// are used; that they are lost too is no news.
func TestConnectionsThatWereIdleAtALossAreLookedAt(t *testing.T) {
	f := &fake{}
	box := newOrchestrator(t)
	r, err := box.For("db", policy.CircuitBreaker{FailureThreshold: 2})
	if err != nil {
		t.Fatal(err)
	}
	db := openUnder(t, f, r)
	db.SetMaxOpenConns(3)
	db.SetMaxIdleConns(3)
	var conns []*sql.Conn
	for range 3 {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	lost, invalid := failing(1, "exec-context", errLost), failing(1, "valid", errLost)
	f.fail = func(what string) error { return errors.Join(lost(what), invalid(what)) }
	if _, err := db.ExecContext(t.Context(), aWrite); !errors.Is(err, errLost) {
		t.Fatalf("got %v", err)
	}
	for _, ping := range []error{driver.ErrBadConn, nil} {
		n := len(f.log)
		f.fail = failing(1, "ping", ping)
		if _, err := db.ExecContext(t.Context(), aWrite); err != nil {
			t.Error(err)
		}
		want := "reset ping exec-context valid"
		if ping != nil {
			want = "reset ping close connect exec-context valid"
		}
		if got := f.kinds(n); got != want {
			t.Errorf("the driver was asked for %q, want %q", got, want)
		}
		_ = db.PingContext(t.Context()) // and so the other one comes next
		hold(t, db)
	}
	if m := box.Metrics(); m.FailedOperations != 1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("counted %+v", m.Totals)
	}
}

// hold takes the connection that is next from the pool until the test is over.
func hold(t *testing.T, db *sql.DB) {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
}

// A server that takes writes no more has handed over to another one, to which a
// new connection leads. In a transaction that was to be read-only, it is an answer.
func TestConnectionToAServerThatTakesNoWritesIsGivenUp(t *testing.T) {
	f := &fake{}
	db := used(t, f, runner(t, atOnce(2)))
	f.fail = failing(1, "exec-context", stateError("25006"))
	if _, err := db.ExecContext(t.Context(), aWrite); err != nil || f.count("connect") != 2 {
		t.Errorf("%v after %d connections", err, f.count("connect"))
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.fail = failing(1, "exec-context", stateError("25006"))
	if _, err := tx.ExecContext(t.Context(), aWrite); !errors.Is(err, stateError("25006")) {
		t.Errorf("got %v", err)
	}
	if err := tx.Rollback(); err != nil || f.count("close") != 2 {
		t.Errorf("%v; %d connections were given up", err, f.count("close"))
	}
	for _, begin := range []func() (*sql.Tx, error){
		func() (*sql.Tx, error) { return db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}) },
		func() (*sql.Tx, error) {
			tx, err := db.BeginTx(t.Context(), nil)
			if err == nil {
				_, err = tx.ExecContext(t.Context(), "SET TRANSACTION READ ONLY")
			}
			return tx, err
		},
	} {
		box := newOrchestrator(t)
		r, err := box.For("db", policy.CircuitBreaker{FailureThreshold: 1})
		if err != nil {
			t.Fatal(err)
		}
		f := &fake{}
		db = openUnder(t, f, r)
		tx, err := begin()
		if err != nil {
			t.Fatal(err)
		}
		f.fail = failing(1, "exec-context", stateError("25006"))
		_, _ = tx.ExecContext(t.Context(), aWrite)
		if err := tx.Rollback(); err != nil || f.count("close") != 0 {
			t.Errorf("%v: %q", err, f.log)
		}
		if m := box.Metrics(); m.Answered != 1 || m.CircuitBreakerTrips != 0 {
			t.Errorf("counted %+v", m.Totals)
		}
	}
}
