package sqltest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// A read that timed out came back as a bare "driver: bad connection" after three
// times the attempts and three times the time: database/sql began the policy anew.
func TestReadThatTimesOutKeepsToThePolicy(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		mark := d.table + "_hangs"
		x.at(mark, swallow)
		read := fmt.Sprintf("SELECT /* %s */ 1", mark)
		for name, c := range map[string]struct {
			layers   []policy.Policy
			attempts int
			atMost   time.Duration
		}{
			"attempts": {[]policy.Policy{atOnce(3), policy.Timeout(100 * time.Millisecond)}, 3, 900 * time.Millisecond},
			"whole":    {[]policy.Policy{policy.Timeout(250 * time.Millisecond), atOnce(10), policy.Timeout(100 * time.Millisecond)}, 3, 700 * time.Millisecond},
		} {
			db := d.guarded(t, c.layers...)
			if err := db.PingContext(t.Context()); err != nil { // a connection that was used before
				t.Fatal(err)
			}
			before, _ := x.count()
			start := time.Now()
			err := drain(db.QueryContext(t.Context(), read))
			took := time.Since(start)
			after, _ := x.count()
			if !errors.Is(err, policy.ErrTimeout) || errors.Is(err, driver.ErrBadConn) || cladhttp.Status(err) != 504 {
				t.Errorf("%s: %T %v", name, err, err)
			}
			if name == "attempts" && !errors.Is(err, policy.ErrRetriesExhausted) {
				t.Errorf("%s: %v", name, err)
			}
			if n := after - before; n != c.attempts && (name == "attempts" || n != c.attempts-1) || took > c.atMost {
				t.Errorf("%s: %d executions in %v", name, after-before, took)
			}
		}
	})
}

// A server that takes connections and says nothing: connecting ends in time as well.
func TestConnectingThatHangsKeepsToThePolicy(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		x.at("", swallow)
		db := d.guarded(t, atOnce(2), policy.Timeout(100*time.Millisecond))
		start := time.Now()
		err := drain(db.QueryContext(t.Context(), "SELECT 1"))
		if _, made := x.count(); made != 2 || !errors.Is(err, policy.ErrTimeout) || !errors.Is(err, policy.ErrRetriesExhausted) {
			t.Errorf("%v after %d connections", err, made)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A database that takes connections and hangs at statements never opened a breaker
// that counts failures in a row: each time, connecting had succeeded in between.
func TestHangingStatementsOpenTheBreaker(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		mark := d.table + "_hangs"
		x.at(mark, swallow)
		for name, use := range map[string]func(*sql.DB) error{
			"query": func(db *sql.DB) error { return drain(db.QueryContext(t.Context(), "SELECT /* "+mark+" */ 1")) },
			"exec": func(db *sql.DB) error {
				_, err := db.ExecContext(t.Context(), "DELETE /* "+mark+" */ FROM "+d.table)
				return err
			},
			"prepared": func(db *sql.DB) error {
				s, err := db.PrepareContext(t.Context(), "SELECT 1")
				if err != nil {
					return err
				}
				defer func() { _ = s.Close() }()
				return drain(db.QueryContext(t.Context(), "SELECT /* "+mark+" */ 1"))
			},
			"in a transaction": func(db *sql.DB) error {
				tx, err := db.BeginTx(t.Context(), nil)
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback() }()
				_, err = tx.ExecContext(t.Context(), "DELETE /* "+mark+" */ FROM "+d.table)
				return err
			},
		} {
			db := d.guarded(t, policy.CircuitBreaker{FailureThreshold: 3}, policy.Timeout(60*time.Millisecond))
			for i := range 3 {
				if err := use(db); !errors.Is(err, policy.ErrTimeout) {
					t.Fatalf("%s: call %d: %v", name, i, err)
				}
			}
			if err := use(db); !errors.Is(err, policy.ErrCircuitOpen) {
				t.Errorf("%s: %v", name, err)
			}
			d.renew(t)
		}
	})
}

// What was lost may have been done: it is done once. lib/pq says of it that the
// connection was bad, by which database/sql took it for not sent, and wrote again.
func TestWriteWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		mark := d.table + "_lost"
		// No key, so that it can be there twice.
		d.do(t, "CREATE TABLE %s_log (id INTEGER)")
		t.Cleanup(func() { _, _ = d.plain.ExecContext(context.WithoutCancel(t.Context()), "DROP TABLE "+d.table+"_log") })
		write := fmt.Sprintf("INSERT /* %s */ INTO %s_log (id) VALUES (1)", mark, d.table)
		db := d.guarded(t, persistent, policy.CircuitBreaker{FailureThreshold: 100})
		for _, use := range []func() error{
			func() error { _, err := db.ExecContext(t.Context(), write); return err },
			func() error { return drain(db.QueryContext(t.Context(), write+d.returning)) },
			func() error {
				conn, err := db.Conn(t.Context())
				if err != nil {
					return err
				}
				defer func() { _ = conn.Close() }()
				_, err = conn.ExecContext(t.Context(), write)
				return err
			},
			func() error {
				x.at("", pass)
				s, err := db.PrepareContext(t.Context(), write)
				if err != nil {
					return err
				}
				defer func() { _ = s.Close() }()
				x.atNext(loseAnswer)
				_, err = s.ExecContext(t.Context())
				return err
			},
		} {
			x.at(mark, loseAnswer) // pgx may prepare first, and lose the answer to that
			d.do(t, "DELETE FROM %s_log")
			if err := db.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := use(); err == nil {
				t.Error("nobody was told")
			}
			var n int
			if err := d.plain.QueryRowContext(t.Context(), "SELECT count(*) FROM "+d.table+"_log").Scan(&n); err != nil || n > 1 {
				t.Errorf("it was written %d times, %v", n, err)
			}
		}
	})
}

// A read goes on with another connection, whatever becomes of the first, and as
// often as the policy says.
func TestReadThatIsCutOffIsAttemptedAsThePolicySays(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		mark := d.table + "_cut"
		for _, how := range []trick{loseAnswer, cut} {
			db := d.guarded(t, atOnce(3))
			if err := db.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			x.at(mark, how)
			err := drain(db.QueryContext(t.Context(), "SELECT /* "+mark+" */ 1"))
			if n, _ := x.count(); n != 3 || !errors.Is(err, policy.ErrRetriesExhausted) || errors.Is(err, driver.ErrBadConn) {
				t.Errorf("%v after %d executions", err, n)
			}
			x.at("", pass)
			if err := drain(db.QueryContext(t.Context(), "SELECT /* "+mark+" */ 1")); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		}
	})
}
