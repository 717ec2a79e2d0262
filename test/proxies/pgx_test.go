package proxies_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cladgo/clad/policy"
)

// DB is what sqlc and others want of pgx.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	Begin(ctx context.Context) (pgx.Tx, error)
}

func pool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), "postgres://root@127.0.0.1:5432/test")
	if err == nil {
		err = pool.Ping(t.Context())
	}
	if err != nil {
		if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// flaky answers as often as it is told with a failure after it has read what it
// was given.
type flaky struct {
	*pgxpool.Pool
	failures, calls int
}

func (f *flaky) fails() bool { f.calls++; return f.calls <= f.failures }

func (f *flaky) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if f.fails() {
		for rows.Next() {
			if _, err := rows.Values(); err != nil {
				return 0, err
			}
		}
		return 0, io.ErrUnexpectedEOF
	}
	return f.Pool.CopyFrom(ctx, table, columns, rows)
}

func (f *flaky) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if f.fails() {
		return failed{}
	}
	return f.Pool.QueryRow(ctx, sql, args...)
}

type failed struct{}

func (failed) Scan(...any) error { return io.ErrUnexpectedEOF }

// TestPgxRowsAreCopiedOrAFailure: the second attempt copied 0 of 3 rows, and all
// was well.
func TestPgxRowsAreCopiedOrAFailure(t *testing.T) {
	down := &flaky{Pool: pool(t), failures: 1}
	db, _ := wrap[DB](t, down, retry(3))
	rows := pgx.CopyFromRows([][]any{{1}, {2}, {3}})
	if n, err := db.CopyFrom(t.Context(), pgx.Identifier{"nowhere"}, []string{"n"}, rows); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) || down.calls != 1 {
		t.Errorf("%d rows, %v after %d attempts", n, err, down.calls)
	}
}

// TestPgxRowsAreAskedUnderThePolicy: QueryRow has no error, so it had no policy.
func TestPgxRowsAreAskedUnderThePolicy(t *testing.T) {
	p := pool(t)
	db, totals := wrap[DB](t, &flaky{Pool: p, failures: 2}, retry(3))
	var n int
	if err := db.QueryRow(t.Context(), "SELECT $1::int + 1", 6).Scan(&n); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
	if err := db.QueryRow(t.Context(), "SELECT 1 WHERE false").Scan(&n); err != pgx.ErrNoRows { //nolint:errorlint // as it was
		t.Errorf("no rows: %v", err)
	}
	if got := totals(); got.SuccessfulOperations != 2 || got.Answered != 1 || got.RetryAttempts != 2 {
		t.Errorf("%+v", got)
	}

	slow, totals := wrap[DB](t, p, policy.Combine(retry(2), policy.Timeout(50*time.Millisecond)))
	err := slow.QueryRow(t.Context(), "SELECT 1 FROM pg_sleep(10)").Scan(&n)
	if !errors.Is(err, policy.ErrTimeout) || !errors.Is(err, policy.ErrRetriesExhausted) {
		t.Errorf("slow: %v", err)
	}
	if got := totals(); got.TimeoutCount != 2 {
		t.Errorf("%+v", got)
	}
}

// TestPgxTransactionsOutliveTheTimeoutOfTheirBeginning.
func TestPgxTransactionsOutliveTheTimeoutOfTheirBeginning(t *testing.T) {
	const timeout = 200 * time.Millisecond
	db, _ := wrap[DB](t, pool(t), policy.Timeout(timeout))
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// real time: the timeout passes
	time.Sleep(timeout + 50*time.Millisecond)
	var n int
	if err := tx.QueryRow(t.Context(), "SELECT 7").Scan(&n); err != nil || n != 7 {
		t.Errorf("%d, %v", n, err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Error(err)
	}
}
