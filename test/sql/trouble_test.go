package sqltest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// The lock that a write waits for was not to be had: the database says that
// nothing was done, so the write is attempted again until it succeeds, once.
func TestWriteThatFindsALockIsAttemptedAgain(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		d.do(t, "INSERT INTO %s (id, amount) VALUES (1, 0)")
		add := "UPDATE " + d.table + " SET amount = amount + 1 WHERE id = 1"

		db := d.guarded(t, persistent)
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(t.Context(), d.impatient); err != nil {
			t.Fatal(err)
		}

		holder, err := d.plain.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := holder.ExecContext(t.Context(), add); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := conn.ExecContext(t.Context(), add)
			done <- err
		}()
		eventually(t, "another attempt", func() bool { return d.metrics().RetryAttempts > 0 })
		if err := holder.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		var amount float64
		if err := d.plain.QueryRowContext(t.Context(), "SELECT amount FROM "+d.table).Scan(&amount); err != nil || amount != 2 {
			t.Errorf("the amount is %v, %v: each write counts once", amount, err)
		}
	})
}

// The same in a transaction is not attempted again: the database may have undone
// more than that statement.
func TestWriteInATransactionIsNot(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		d.do(t, "INSERT INTO %s (id, amount) VALUES (1, 0)")
		add := "UPDATE " + d.table + " SET amount = amount + 1 WHERE id = 1"
		holder, err := d.plain.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = holder.Rollback() }()
		if _, err := holder.ExecContext(t.Context(), add); err != nil {
			t.Fatal(err)
		}

		conn, err := d.guarded(t, persistent).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.ExecContext(t.Context(), d.impatient); err != nil {
			t.Fatal(err)
		}
		for name, transaction := range map[string]func() (func() error, func() error){
			"of database/sql": func() (exec, end func() error) {
				tx, err := conn.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				return func() error { _, err := tx.ExecContext(t.Context(), add); return err }, tx.Rollback
			},
			"by hand": func() (exec, end func() error) {
				do := func(query string) func() error {
					return func() error { _, err := conn.ExecContext(t.Context(), query); return err }
				}
				if err := do("BEGIN")(); err != nil {
					t.Fatal(err)
				}
				return do(add), do("ROLLBACK")
			},
		} {
			exec, end := transaction()
			if err := exec(); err == nil || policy.IsPermanent(err) {
				t.Errorf("%s: %v, want the failure to get the lock", name, err)
			}
			if err := end(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := d.metrics().RetryAttempts; n != 0 {
			t.Errorf("%d attempts more", n)
		}
	})
}

// id returns the id by which the server knows a connection.
func (d *database) id(t *testing.T, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) (n int) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), d.self).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (d *database) killed(t *testing.T, id int) {
	t.Helper()
	if _, err := d.plain.ExecContext(t.Context(), fmt.Sprintf(d.kill, id)); err != nil {
		t.Fatal(err)
	}
}

// Connections that the server closed while they were idle are replaced by
// database/sql, unnoticed, and tell no breaker of an outage.
func TestIdleConnectionThatWasClosedIsReplaced(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		if d.kill == "" {
			t.Skip("there are no connections to be closed")
		}
		db := d.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
		db.SetMaxOpenConns(1)
		d.killed(t, d.id(t, db))
		// real time: pgx looks after a connection when that was idle for a second
		time.Sleep(1100 * time.Millisecond)
		if _, err := db.ExecContext(t.Context(), d.insert(), 1, nil, nil, nil); err != nil {
			t.Error(err)
		}
		if m := d.metrics(); m.CircuitBreakerTrips != 0 || m.RetryAttempts != 0 {
			t.Errorf("counted %+v", m)
		}
	})
}

// lost runs a statement and ends its connection in the middle of it.
func (d *database) lost(t *testing.T, db *sql.DB, run func() error) <-chan error {
	t.Helper()
	if d.kill == "" {
		t.Skip("there are no connections to be closed")
	}
	db.SetMaxOpenConns(1)
	first := d.id(t, db)
	done := make(chan error, 1)
	go func() { done <- run() }()
	eventually(t, "the statement is under way", func() (busy bool) {
		if err := d.plain.QueryRowContext(t.Context(), fmt.Sprintf(d.busy, first)).Scan(&busy); err != nil {
			t.Fatal(err)
		}
		return busy
	})
	d.killed(t, first)
	return done
}

// A read whose connection breaks under it goes on with another connection.
func TestReadThatLosesItsConnectionIsRepeated(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		db := d.guarded(t, persistent)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := d.lost(t, db, func() error { return drain(db.QueryContext(ctx, d.slow)) })
		eventually(t, "the next connection", func() bool {
			return d.metrics().RetryAttempts == 1
		})
		cancel()
		if err := <-done; err == nil {
			t.Error("it ended before it was cancelled")
		}
	})
}

// Nobody knows how far a write came whose connection broke.
func TestWriteThatLosesItsConnectionIsNotRepeated(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		db := d.guarded(t, persistent)
		write := fmt.Sprintf("INSERT INTO %s (id, amount) SELECT 1, (%s) %% 10", d.table, d.slow)
		done := d.lost(t, db, func() error { _, err := db.ExecContext(t.Context(), write); return err })
		if err := <-done; err == nil || errors.Is(err, policy.ErrRetriesExhausted) {
			t.Errorf("got %v", err)
		}
		if n := d.metrics().RetryAttempts; n != 0 {
			t.Errorf("%d attempts more", n)
		}
	})
}
