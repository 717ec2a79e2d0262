package sqltest_test

import (
	"database/sql"
	"testing"

	"github.com/cladgo/clad/policy"
)

// One user who asked for what cannot be sent opened the circuit for everybody:
// the drivers' own errors, each its own, were failures of the database.
func TestCallersMistakesAreNobodysFailure(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		db := d.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
		ctx := t.Context()
		byID := "SELECT id FROM " + d.table + " WHERE id = " + d.placeholder(1)
		exec := func(query string, args ...any) func() error {
			return func() error { _, err := db.ExecContext(ctx, query, args...); return err }
		}
		read := func(query string, args ...any) func() error {
			return func() error { return drain(db.QueryContext(ctx, query, args...)) }
		}
		prepared := func(query string, args ...any) func() error {
			return func() error {
				s, err := db.PrepareContext(ctx, query)
				if err != nil {
					return err
				}
				defer func() { _ = s.Close() }()
				return drain(s.QueryContext(ctx, args...))
			}
		}
		for name, use := range map[string]func() error{
			"too large for the column":      read(byID, int64(3_000_000_000)),
			"the same, prepared":            prepared(byID, int64(3_000_000_000)),
			"beyond all numbers":            read(byID, "99999999999999999999999999"),
			"no number at all":              read(byID, "a number"),
			"the same, prepared, no number": prepared(byID, "a number"),
			"too few arguments":             exec(d.insert(), 1),
			"too few for a query":           read(byID),
			"too few for a prepared one":    prepared(byID),
			"too many arguments":            exec(d.insert(), 1, "a", 1, nil, "more"),
			"too many for a query":          read(byID, 1, 2),
			"arguments for nothing":         read("SELECT 1", 1),
			"a name":                        read(byID, sql.Named("id", 1)),
			"a name, executed":              exec("UPDATE "+d.table+" SET id = "+d.placeholder(1), sql.Named("id", 1)),
			"a structure":                   read(byID, struct{ A int }{1}),
			"a channel":                     read(byID, make(chan int)),
			"a zero byte":                   exec(d.insert(), 1, "a\x00b", 1, nil),
			"no UTF-8":                      exec(d.insert(), 2, "\xff\xfe", 1, nil),
			"two statements":                exec("INSERT INTO "+d.table+" (id) VALUES ("+d.placeholder(1)+"); SELECT 1", 77),
			"nothing":                       exec(""),
			"an isolation that it has not": func() error {
				tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelLinearizable})
				if err == nil {
					err = tx.Rollback()
				}
				return err
			},
			"a write in a read-only transaction": func() error {
				tx, err := db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback() }()
				_, err = tx.ExecContext(ctx, "DELETE FROM "+d.table)
				return err
			},
		} {
			before := d.metrics()
			err := use()
			m := d.metrics()
			if m.RetryAttempts != before.RetryAttempts || m.CircuitBreakerTrips != before.CircuitBreakerTrips {
				t.Errorf("%s: %T %v was retried %d times, tripped the breaker %d times", name, err, err,
					m.RetryAttempts-before.RetryAttempts, m.CircuitBreakerTrips-before.CircuitBreakerTrips)
				d.renew(t)
				db = d.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
			}
		}
	})
}
