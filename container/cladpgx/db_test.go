package cladpgx_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladpgx"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/puddle/v2"
)

// dbtx is what sqlc generates.
type dbtx interface {
	Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

var (
	_ dbtx       = cladpgx.DB(nil)
	_ cladpgx.DB = (*pgx.Conn)(nil)
)

// table makes a table, and returns its name and how many rows it has by now.
func table(t *testing.T) (name string, count func() int) {
	t.Helper()
	need(t)
	bare := newPool(t, postgres)
	name = fmt.Sprintf("cladpgx_%d", time.Now().UnixNano())
	if _, err := bare.Exec(t.Context(), "CREATE TABLE "+name+" (id INT PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = bare.Exec(context.Background(), "DROP TABLE "+name) })
	return name, func() (n int) {
		t.Helper()
		if err := bare.QueryRow(t.Context(), "SELECT count(*) FROM "+name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func TestStatementsGoThroughThePolicy(t *testing.T) {
	name, count := table(t)
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{}, policy.Timeout(5*time.Second))
	if tag, err := db.Exec(t.Context(), "INSERT INTO "+name+" SELECT generate_series(1, 5)"); err != nil || tag.RowsAffected() != 5 {
		t.Fatal(tag, err)
	}
	rows, err := db.Query(t.Context(), "SELECT id FROM "+name+" ORDER BY id")
	ids, err := collect(rows, err)
	if err != nil || len(ids) != 5 || ids[0] != 1 || ids[4] != 5 {
		t.Error(ids, err)
	}
	rows, err = db.Query(t.Context(), "SELECT id FROM "+name+" WHERE id = $1", 99)
	if ids, err := collect(rows, err); err != nil || len(ids) != 0 || rows.CommandTag().String() != "SELECT 0" {
		t.Error(ids, err, rows.CommandTag())
	}
	var id int
	if err := db.QueryRow(t.Context(), "SELECT id FROM "+name+" WHERE id = $1", 3).Scan(&id); err != nil || id != 3 {
		t.Error(id, err)
	}
	if n, err := db.CopyFrom(t.Context(), pgx.Identifier{name}, []string{"id"}, pgx.CopyFromRows([][]any{{6}, {7}})); err != nil || n != 2 {
		t.Error(n, err)
	}
	if err := db.Ping(t.Context()); err != nil || count() != 7 {
		t.Error(err, count())
	}
	m := o.Metrics()
	for _, method := range []string{"Exec", "QueryRow", "CopyFrom", "Ping"} {
		if got := m.Operations["cladpgx.DB."+method].SuccessfulOperations; got != 1 {
			t.Errorf("%s: %d successes", method, got)
		}
	}
	if got := m.Operations["cladpgx.DB.Query"]; got.SuccessfulOperations != 2 {
		t.Errorf("%+v", got)
	}
}

func collect(rows pgx.Rows, _ error) ([]int, error) { return pgx.CollectRows(rows, pgx.RowTo[int]) }

func TestAnswersAreNeitherRetriedNorCounted(t *testing.T) {
	name, _ := table(t)
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{FailureThreshold: 2})
	var n int
	for range 3 {
		if err := db.QueryRow(t.Context(), "SELECT id FROM "+name).Scan(&n); err != pgx.ErrNoRows { //nolint:errorlint // as pgx made it
			t.Fatal(err)
		}
		_, err := db.Exec(t.Context(), "INSERT INTO "+name+" VALUES (1), (1)")
		if e, ok := err.(*pgconn.PgError); !ok || e.Code != "23505" { //nolint:errorlint // as pgx made it
			t.Fatal(err)
		}
		rows, err := db.Query(t.Context(), "SELECT 1 / (SELECT count(*) FROM "+name+")")
		if rows.Err() == nil || rows.Err() != err { //nolint:errorlint // the same
			t.Fatal(rows.Err(), err)
		}
		if err := db.QueryRow(t.Context(), "SELECT $1::int").Scan(&n); err == nil {
			t.Fatal("no error")
		}
	}
	if m := o.Metrics(); m.Answered != 9 || m.RetryAttempts != 0 || m.CircuitBreakerTrips != 0 {
		t.Errorf("%+v", m.Totals)
	}
}

func TestReadsAreRepeatedAndWritesAreNot(t *testing.T) {
	name, count := table(t)
	p := newProxy(t)
	db, _ := guarded(t, p.listener.Addr().String(), retries(3), policy.Timeout(5*time.Second))
	var n int
	read := func() error { return db.QueryRow(t.Context(), "SELECT count(*) FROM "+name).Scan(&n) }
	write := func() error {
		_, err := db.Exec(t.Context(), "INSERT INTO "+name+" SELECT count(*) FROM "+name)
		return err
	}
	if err := errors.Join(read(), write()); err != nil { // prepares both
		t.Fatal(err)
	}
	p.loseNextAnswer()
	if err := read(); err != nil || n != 1 {
		t.Error(n, err)
	}
	if err := write(); err != nil {
		t.Fatal(err)
	}
	p.loseNextAnswer()
	if err := write(); err == nil || errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("got %v", err)
	}
	if n := count(); n != 3 {
		t.Errorf("%d rows after 3 writes", n)
	}
}

// Where there was no connection nothing was sent.
func TestWritesAreRepeatedWhereNothingWasSent(t *testing.T) {
	need(t)
	db, o := guarded(t, "127.0.0.1:1", retries(3))
	if _, err := db.Exec(t.Context(), "DELETE FROM t"); !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Error(err)
	}
	if got := o.Metrics().RetryAttempts; got != 2 {
		t.Errorf("%d retries", got)
	}
}

func TestAServerThatHangsIsATimeout(t *testing.T) {
	p := newProxy(t)
	db, o := guarded(t, p.listener.Addr().String(), policy.Timeout(200*time.Millisecond))
	var n int
	if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&n); err != nil {
		t.Fatal(err)
	}
	p.hush(true)
	defer p.hush(false)
	if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&n); !errors.Is(err, policy.ErrTimeout) {
		t.Error(err)
	}
	if got := o.Metrics().TimeoutCount; got != 1 {
		t.Errorf("%d timeouts", got)
	}
}

// Rows that break off are a failure, though their query had succeeded.
func TestRowsAreJudgedAtTheirEnd(t *testing.T) {
	p := newProxy(t)
	db, o := guarded(t, p.listener.Addr().String(), retries(3), policy.CircuitBreaker{FailureThreshold: 1})
	rows, err := db.Query(t.Context(), "SELECT generate_series(1, 5000000)")
	if err != nil {
		t.Fatal(err)
	}
	if m := o.Metrics(); m.SuccessfulOperations != 0 {
		t.Errorf("judged before: %+v", m.Totals)
	}
	n := 0
	for rows.Next() {
		if n++; n == 1 {
			p.cut()
		}
	}
	rows.Close()
	if m := o.Metrics(); rows.Err() == nil || m.FailedOperations != 1 || m.CircuitBreakerTrips != 1 || m.RetryAttempts != 0 {
		t.Errorf("%v after %d rows: %+v", rows.Err(), n, m.Totals)
	}
	rows, err = db.Query(t.Context(), "SELECT 1")
	rows.Close()
	if !errors.Is(err, policy.ErrCircuitOpen) || rows.Err() != err { //nolint:errorlint // the same
		t.Error(err, rows.Err())
	}
	b := &pgx.Batch{}
	b.Queue("SELECT 1")
	if err := db.SendBatch(t.Context(), b).Close(); !errors.Is(err, policy.ErrCircuitOpen) {
		t.Error(err)
	}
}

func TestNothingInATransactionIsRepeated(t *testing.T) {
	name, count := table(t)
	p := newProxy(t)
	db, o := guarded(t, p.listener.Addr().String(), retries(3))
	err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO "+name+" VALUES (1)")
		return err
	})
	if err != nil || count() != 1 {
		t.Fatal(err, count())
	}
	tx, err := db.BeginTx(t.Context(), pgx.TxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p.cut()
	var n int
	if err := tx.QueryRow(t.Context(), "SELECT 1").Scan(&n); err == nil || errors.Is(err, policy.ErrRetriesExhausted) {
		t.Error(err)
	}
	_ = tx.Rollback(t.Context())
	if got := o.Metrics().RetryAttempts; got != 0 {
		t.Errorf("%d retries", got)
	}
}

// Their texts ("closed pool", "tx is closed") may be anybody's; the errors are not.
func TestAPoolOrTransactionThatWasClosedIsNoFailure(t *testing.T) {
	need(t)
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{FailureThreshold: 1})
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT 1"); !errors.Is(err, pgx.ErrTxClosed) {
		t.Error(err)
	}
	db.(interface{ Unwrap() cladpgx.DB }).Unwrap().(*pgxpool.Pool).Close()
	for range 3 {
		if _, err := db.Exec(t.Context(), "SELECT 1"); !errors.Is(err, puddle.ErrClosedPool) {
			t.Error(err)
		}
	}
	if m := o.Metrics(); m.Answered != 0 || m.RetryAttempts != 0 || m.CircuitBreakerTrips != 0 {
		t.Errorf("%+v", m.Totals)
	}
}

func TestBatchesAreJudgedWhenTheyAreClosed(t *testing.T) {
	name, count := table(t)
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{FailureThreshold: 1})
	b := &pgx.Batch{}
	b.Queue("INSERT INTO " + name + " VALUES (1)")
	b.Queue("SELECT id FROM " + name)
	r := db.SendBatch(t.Context(), b)
	_, err := r.Exec()
	var id int
	if err := errors.Join(err, r.QueryRow().Scan(&id), r.Close()); err != nil || id != 1 || count() != 1 {
		t.Fatal(id, err)
	}
	b = &pgx.Batch{}
	b.Queue("INSERT INTO " + name + " VALUES (1)")
	if err := db.SendBatch(t.Context(), b).Close(); err == nil {
		t.Error("no error")
	}
	if m := o.Metrics(); m.SuccessfulOperations != 2 || m.Answered != 1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("%+v", m.Totals)
	}
}

func TestARowIsScannedOnce(t *testing.T) {
	db, _ := guarded(t, postgres, retries(3))
	row, n := db.QueryRow(t.Context(), "SELECT 1"), 0
	if err := row.Scan(&n); err != nil {
		t.Fatal(err)
	}
	if err := row.Scan(&n); err == nil {
		t.Error("no error")
	}
}

// A timeout of the policy costs what its context costs, and that pgx watches it.
func TestThePolicyAllocatesNothing(t *testing.T) {
	need(t)
	pool := newPool(t, postgres)
	db, _ := guarded(t, postgres, retries(3), policy.CircuitBreaker{})
	ctx := t.Context()
	cost := func(db dbtx) float64 {
		return testing.AllocsPerRun(50, func() {
			if _, err := db.Exec(ctx, "SELECT 1"); err != nil {
				t.Fatal(err)
			}
		})
	}
	bare := cost(pool)
	if got := cost(db); got > bare {
		t.Errorf("%v allocations, bare %v", got, bare)
	}
}
