package cladsql_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
)

var errLost = errors.New("connection lost")

// stateError is what the drivers of PostgreSQL give.
type stateError string

func (e stateError) Error() string    { return "SQLSTATE " + string(e) }
func (e stateError) SQLState() string { return string(e) }

// open opens a database that can everything, under the layers.
func open(t *testing.T, f *fake, layers ...policy.Policy) *sql.DB {
	t.Helper()
	return openUnder(t, f, runner(t, layers...))
}

func openUnder(t *testing.T, f *fake, r policy.Runner, opts ...cladsql.Option) *sql.DB {
	t.Helper()
	if f.conn == nil {
		f.conn = conns["everything"]
	}
	if f.stmt == nil {
		f.stmt = stmts["contexts"]
	}
	db := sql.OpenDB(cladsql.Wrap(f, r, opts...))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// failing fails the first n calls of a kind.
func failing(n int, kind string, err error) func(string) error {
	return func(what string) error {
		if what != kind || n == 0 {
			return nil
		}
		n--
		return err
	}
}

// count counts the calls of a kind.
func (f *fake) count(kind string) int {
	n := 0
	for _, line := range f.log {
		if strings.Fields(line)[0] == kind {
			n++
		}
	}
	return n
}

func TestStatementsAreRepeatedOnlyWhereThatIsSafe(t *testing.T) {
	const read, write = "SELECT a FROM t", "INSERT INTO t VALUES (1)"
	for _, c := range []struct {
		name  string
		query string
		err   error
		opts  []cladsql.Option
		want  int
	}{
		{"a read", read, errLost, nil, 3},
		{"a write", write, errLost, nil, 1},
		{"a write that returns rows", write + " RETURNING id", errLost, nil, 1},
		{"a write that the server cancelled, and undid", write, stateError("57014"), nil, 3},
		{"a server that takes no writes", write, stateError("25006"), nil, 3},
		{"a deadlock", write, stateError("40P01"), nil, 3},
		{"a serialization failure", write, stateError("40001"), nil, 3},
		{"nobody knows whether it completed", write, stateError("40003"), nil, 1},
		{"an answer", read, stateError("42P01"), nil, 1},
		{"an answer to a write", write, stateError("23505"), nil, 1},
		{"nothing was sent", write, unsent{errLost}, nil, 3},
		{"as the option says", write, errLost, []cladsql.Option{cladsql.Repeat(func(q string) bool { return q == write })}, 3},
		{"as the other option says", read, errLost, []cladsql.Option{cladsql.Answers(func(err error) bool { return errors.Is(err, errLost) })}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, use := range map[string]func(*sql.DB) error{
				"exec-context":       func(db *sql.DB) error { _, err := db.ExecContext(t.Context(), c.query); return err },
				"query-context":      func(db *sql.DB) error { return query(t, db, c.query) },
				"stmt-exec-context":  func(db *sql.DB) error { return prepared(t, db, c.query, true) },
				"stmt-query-context": func(db *sql.DB) error { return prepared(t, db, c.query, false) },
			} {
				f := &fake{fail: failing(2, kind, c.err)}
				err := use(openUnder(t, f, runner(t, atOnce(3)), c.opts...))
				if got := f.count(kind); got != c.want {
					t.Errorf("%s: %d attempts, want %d", kind, got, c.want)
				}
				if (err == nil) != (c.want == 3) || err != nil && !errors.Is(err, c.err) {
					t.Errorf("%s: %v", kind, err)
				}
			}
		})
	}
}

type unsent struct{ error }

func (unsent) SafeToRetry() bool { return true }

func query(t *testing.T, db *sql.DB, text string) error {
	t.Helper()
	return drain(db.QueryContext(t.Context(), text))
}

func prepared(t *testing.T, db *sql.DB, text string, exec bool) error {
	t.Helper()
	s, err := db.PrepareContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if exec {
		_, err := s.ExecContext(t.Context())
		return err
	}
	return drain(s.QueryContext(t.Context()))
}

func drain(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
	}
	return rows.Err()
}

func TestConnectingPingingPreparingAndBeginningAreRepeated(t *testing.T) {
	for kind, use := range map[string]func(*sql.DB) error{
		"connect":         func(db *sql.DB) error { return db.PingContext(t.Context()) },
		"ping":            func(db *sql.DB) error { return db.PingContext(t.Context()) },
		"prepare-context": func(db *sql.DB) error { return prepared(t, db, "INSERT", true) },
		"begin-context": func(db *sql.DB) error {
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				return err
			}
			return tx.Commit()
		},
	} {
		f := &fake{fail: failing(2, kind, errLost)}
		if err := use(open(t, f, atOnce(3))); err != nil || f.count(kind) != 3 {
			t.Errorf("%s: %d attempts, %v", kind, f.count(kind), err)
		}
	}
}

func TestNothingInATransactionIsRepeated(t *testing.T) {
	for _, err := range []error{errLost, stateError("40001")} {
		f := &fake{}
		db := open(t, f, atOnce(3))
		tx, beginErr := db.BeginTx(t.Context(), nil)
		if beginErr != nil {
			t.Fatal(beginErr)
		}
		f.fail = func(what string) error {
			if strings.HasPrefix(what, "query") || strings.HasPrefix(what, "prepare") {
				return err
			}
			return nil
		}
		if got := drain(tx.QueryContext(t.Context(), "SELECT a FROM t")); !errors.Is(got, err) || f.count("query-context") != 1 {
			t.Errorf("%d attempts, %v", f.count("query-context"), got)
		}
		if got := prepareIn(t, tx); !errors.Is(got, err) || f.count("prepare-context") != 1 {
			t.Errorf("%d attempts, %v", f.count("prepare-context"), got)
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
		// After it, the connection is as before.
		f.fail = failing(2, "query-context", err)
		if got := query(t, db, "SELECT a FROM t"); got != nil {
			t.Errorf("after the transaction: %v", got)
		}
	}
}

func prepareIn(t *testing.T, tx *sql.Tx) error {
	t.Helper()
	s, err := tx.PrepareContext(t.Context(), "SELECT a FROM t")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return nil
}

// A transaction that was begun by a statement was not seen: after a deadlock,
// its last statement was repeated alone.
func TestNothingInATransactionBegunByAStatementIsRepeated(t *testing.T) {
	for _, c := range []struct {
		before []string
		repeat bool
	}{
		{[]string{"SELECT 1", "INSERT INTO t VALUES (1)", "CREATE TABLE u (a int)"}, true},
		{[]string{"BEGIN"}, false},
		{[]string{"  /* now */ begin immediate"}, false},
		{[]string{"START TRANSACTION READ ONLY"}, false},
		{[]string{"BEGIN", "COMMIT"}, true},
		{[]string{"BEGIN", "END;"}, true},
		{[]string{"BEGIN", "ROLLBACK"}, true},
		{[]string{"BEGIN", "ROLLBACK TO SAVEPOINT a"}, false},
		{[]string{"BEGIN", "COMMIT AND CHAIN"}, false},
		{[]string{"SAVEPOINT a", "COMMIT"}, false},
		{[]string{"SET autocommit = 0", "COMMIT"}, false},
		{[]string{"SET search_path TO a"}, true},
		{[]string{"SELECT 1; BEGIN"}, false},
		{[]string{"SELECT ';'"}, true},
		{[]string{"CALL p()"}, false},
		{[]string{"# what is this"}, false},
	} {
		f := &fake{}
		db := open(t, f, atOnce(3))
		for _, q := range c.before {
			if _, err := db.ExecContext(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		f.fail = failing(2, "query-context", errLost)
		if err := query(t, db, "SELECT a FROM t"); (err == nil) != c.repeat {
			t.Errorf("after %q: repeated %v, want %v", c.before, err == nil, c.repeat)
		}
	}
}

// A duplicate key is no outage.
func TestAnswersAreNoFailuresToABreaker(t *testing.T) {
	f := &fake{fail: failing(3, "exec-context", stateError("23505"))}
	db := open(t, f, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
	for range 3 {
		_, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		var state stateError
		if !errors.As(err, &state) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestOpenBreakerTurnsStatementsAwayButLetsTransactionsEnd(t *testing.T) {
	f := &fake{}
	db := open(t, f, policy.CircuitBreaker{FailureThreshold: 1})
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.fail = failing(1, "exec-context", errLost)
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); !errors.Is(err, errLost) {
		t.Errorf("got %v", err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO t VALUES (2)"); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
	if err := tx.Rollback(); err != nil || f.count("rollback") != 1 {
		t.Errorf("rollback: %v", err)
	}
}

// What a statement's failure says to this retry, it says to no other: a method
// around it may know how to repeat the whole.
func TestFailureMayBeRetriedByThoseAround(t *testing.T) {
	f := &fake{fail: failing(1, "exec-context", errLost)}
	db := open(t, f, atOnce(3))
	err := runner(t, atOnce(3)).Run(t.Context(), func(ctx context.Context) error {
		_, err := db.ExecContext(ctx, "INSERT INTO t VALUES (1)")
		return err
	})
	if err != nil || f.count("exec-context") != 2 {
		t.Errorf("%d attempts, %v", f.count("exec-context"), err)
	}
}

func TestRowsOutliveTheCall(t *testing.T) {
	f := &fake{}
	db := open(t, f, policy.Timeout(time.Hour), atOnce(2), policy.Timeout(time.Minute))
	s, err := db.PrepareContext(t.Context(), "SELECT a FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()

	rows, err := db.QueryContext(t.Context(), "SELECT a FROM t")
	readInUse(t, f, rows, err)
	rows, err = s.QueryContext(t.Context())
	readInUse(t, f, rows, err)
}

// readInUse reads rows whose context must last as long as they.
func readInUse(t *testing.T, f *fake, rows *sql.Rows, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	ctx := f.contexts[len(f.contexts)-1]
	if _, ok := ctx.Deadline(); !ok {
		t.Error("the driver does not see the deadline")
	}
	for rows.Next() {
		if ctx.Err() != nil {
			t.Fatalf("the context ended while rows are read: %v", ctx.Err())
		}
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	if ctx.Err() == nil {
		t.Error("the context goes on after the last row")
	}
}

// Drivers commit with the context of the beginning. It ended when the call did,
// or when the time for that was over, and nothing could be committed.
func TestTransactionOutlivesTheCallAndItsTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		db := open(t, f, policy.Timeout(time.Minute), policy.Timeout(time.Second))
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx := f.contexts[len(f.contexts)-1]
		time.Sleep(time.Hour)
		if ctx.Err() != nil {
			t.Errorf("the context ended in the transaction: %v", ctx.Err())
		}
		if _, ok := ctx.Deadline(); ok {
			t.Error("the deadline of the beginning stands over the transaction")
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		if ctx.Err() == nil {
			t.Error("the context goes on after the transaction")
		}
		_ = db.Close() // its goroutine belongs to this test
	})
}

// hanging begins a transaction when its context is over, at the first n times.
type hanging struct {
	*fakeConn
	n *int
}

func (h hanging) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	if *h.n == 0 {
		return &fakeTx{h.f}, nil
	}
	*h.n--
	if _, ok := ctx.Deadline(); !ok {
		return nil, errors.New("no deadline to be seen")
	}
	below, cancel := context.WithCancel(ctx) // as drivers do; it hears of a cancellation only
	defer cancel()
	<-below.Done()
	return nil, below.Err()
}

func TestBeginningThatTimesOutIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 1
		f := &fake{conn: func(c *fakeConn) driver.Conn { return hanging{c, &n} }}
		db := open(t, f, atOnce(2), policy.Timeout(time.Second))
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
		n = 2
		if _, err := db.BeginTx(t.Context(), nil); !errors.Is(err, policy.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		n = 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := db.BeginTx(ctx, nil); err != context.DeadlineExceeded { //nolint:errorlint // as the driver said it
			t.Errorf("got %v", err)
		}
		_ = db.Close() // its goroutine belongs to this test
	})
}

// A driver that wants its statements prepared made three operations of one, and
// its asking for that counted as one that failed.
func TestStatementThatIsPreparedAfterAllIsOneOperation(t *testing.T) {
	box := newOrchestrator(t)
	r, err := box.For("db", policy.Combine(policy.RateLimit{RequestsPerSecond: 0.001, Burst: 3}, policy.CircuitBreaker{}))
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{conn: conns["exec and query"], skip: func(string, int) bool { return true }}
	db := openUnder(t, f, r)
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (?)", 1); err != nil {
		t.Fatal(err)
	}
	if err := query(t, db, "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	want := policy.Totals{TotalOperations: 3, SuccessfulOperations: 3} // and the connecting
	if got := box.Metrics().Totals; got != want {
		t.Errorf("counted %+v", got)
	}
	if f.count("close-stmt") != 2 {
		t.Errorf("statements were left open: %q", f.log)
	}
}

// Failures of a statement that is prepared after all reset the breaker's count
// each time, since the asking for it looked like a success.
func TestBreakerTripsOverStatementsThatArePreparedAfterAll(t *testing.T) {
	f := &fake{conn: conns["exec and query"], skip: func(string, int) bool { return true }, fail: failing(2, "stmt-exec-context", errLost)}
	db := open(t, f, policy.CircuitBreaker{FailureThreshold: 2})
	for range 2 {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (?)", 1); !errors.Is(err, errLost) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (?)", 1); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v", err)
	}
}

func TestTagWrapsConnectors(t *testing.T) {
	box, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"database": atOnce(3), "patient": atOnce(5)},
		Services: map[string]policy.Service{"driver.Connector": {Methods: map[string]string{"Ping": "none", "Query": "patient"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{conn: conns["everything"]}
	newConnector := func() driver.Connector { return f }
	if err := errors.Join(box.Provide(container.Tag(newConnector, "database")), box.Provide(sql.OpenDB)); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(db *sql.DB) {
		defer func() { _ = db.Close() }()
		f.fail = func(string) error { return errLost }
		if err := db.PingContext(t.Context()); err == nil || f.count("connect") != 3 {
			t.Errorf("%d times connected, %v", f.count("connect"), err)
		}
		f.fail = nil
		if err := db.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.fail = failing(100, "query-context", errLost)
		if err := query(t, db, "SELECT 1"); err == nil || f.count("query-context") != 5 {
			t.Errorf("%d attempts to query, %v", f.count("query-context"), err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for id := range box.Orchestrator().Metrics().Operations {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	if want := []string{"driver.Connector.Connect", "driver.Connector.Query"}; !slices.Equal(ids, want) {
		t.Errorf("operations %q, want %q", ids, want)
	}
}

// database/sql does not use these any more; others may.
func TestMethodsWithoutContextAreGuardedToo(t *testing.T) {
	f := &fake{conn: conns["everything"], stmt: stmts["contexts"]}
	conn, err := cladsql.Wrap(f, runner(t, atOnce(3))).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	calls := f.count("begin-context")
	f.fail = failing(2, "begin-context", errLost)
	tx, err := conn.Begin() //nolint:staticcheck // it is there to be called
	if err != nil || f.count("begin-context")-calls != 3 {
		t.Fatalf("begin: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Error(err)
	}
	s, err := conn.Prepare("SELECT a FROM t WHERE b = ?")
	if err != nil {
		t.Fatal(err)
	}
	f.fail = failing(2, "stmt-exec-context", errLost)
	if _, err := s.Exec([]driver.Value{"b"}); err != nil { //nolint:staticcheck // it is there to be called
		t.Errorf("exec: %v", err)
	}
	rows, err := s.Query([]driver.Value{"b"}) //nolint:staticcheck // it is there to be called
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := rows.(interface{ Unwrap() driver.Rows }); ok && u.Unwrap() == nil {
		t.Error("the rows lead nowhere")
	}
	if err := errors.Join(rows.Close(), s.Close(), conn.Close()); err != nil {
		t.Error(err)
	}
	if !slices.Contains(f.log, "stmt-query-context SELECT a FROM t WHERE b = ?[{ 1 b}]") {
		t.Errorf("the argument is lost: %q", f.log)
	}
}

type contextDriver struct{ fakeDriver }

func (d contextDriver) OpenConnector(dsn string) (driver.Connector, error) {
	if dsn == "bad" {
		return nil, errors.New("bad data source")
	}
	return contextConnector{d}, nil
}

type contextConnector struct{ d contextDriver }

func (c contextConnector) Connect(ctx context.Context) (driver.Conn, error) {
	return c.d.f.Connect(ctx)
}
func (c contextConnector) Driver() driver.Driver { return c.d }

func TestNewConnectorFindsRegisteredDrivers(t *testing.T) {
	f := &fake{}
	old, modern := rand.Text(), rand.Text() // registered for good
	sql.Register(old, fakeDriver{f})
	sql.Register(modern, contextDriver{fakeDriver{f}})
	for name, want := range map[string]string{old: "open shop", modern: "connect"} {
		f.log = nil
		db, err := cladsql.Open(name, "shop", runner(t, atOnce(2)))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.PingContext(t.Context()); err != nil || !slices.Contains(f.log, want) {
			t.Errorf("%s: %q, %v", name, f.log, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := cladsql.NewConnector(modern, "bad"); err == nil || !strings.Contains(err.Error(), "bad data source") {
		t.Errorf("got %v", err)
	}
	if _, err := cladsql.Open("clad-unknown", "", runner(t)); err == nil || !strings.Contains(err.Error(), "forgotten import") {
		t.Errorf("got %v", err)
	}
}

func TestNilRunnerIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a nil runner was taken: the database would go unguarded")
		}
	}()
	cladsql.Wrap(&fake{}, nil)
}

type closingConnector struct {
	*fake
	closed *bool
}

func (c closingConnector) Close() error { *c.closed = true; return nil }

func TestConnectorIsClosedWithTheDatabase(t *testing.T) {
	closed := false
	db := sql.OpenDB(cladsql.Wrap(closingConnector{&fake{}, &closed}, runner(t)))
	if err := db.Close(); err != nil || !closed {
		t.Errorf("closed %v, %v", closed, err)
	}
}
