package sqltest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5/stdlib"
)

// Whatever a program does with its database, guarding that changes nothing.
func TestGuardedDatabaseBehavesAsTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		want := d.use(t, d.plain)
		d.do(t, "DELETE FROM %s")
		got := d.use(t, d.guarded(t, policy.Timeout(time.Minute), atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Minute)))
		if !slices.Equal(got, want) {
			t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		d.do(t, "DELETE FROM %s")
		if got := d.use(t, d.guarded(t)); !slices.Equal(got, want) {
			t.Errorf("under no policy:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(want) < 20 {
			t.Errorf("only %d results were compared", len(want))
		}
	})
}

// use does all kinds of things with a database, and tells what came of them.
func (d *database) use(t *testing.T, db *sql.DB) (results []string) {
	t.Helper()
	ctx := t.Context()
	say := func(what string, value any, err error) {
		results = append(results, fmt.Sprintf("%s: %v, %v", what, value, err))
	}
	born := time.Date(2020, 2, 29, 12, 30, 0, 0, time.UTC)

	result, err := db.ExecContext(ctx, d.insert(), 1, "one", 1.25, born)
	if err != nil {
		t.Fatal(err)
	}
	n, err := result.RowsAffected()
	say("inserted", n, err)
	_, err = db.ExecContext(ctx, d.insert(), 2, nil, "2.50", sql.NullTime{})
	say("with nulls", nil, err)
	_, err = db.ExecContext(ctx, d.insert(), 3, []byte("three"), int64(3), &born)
	say("other types", nil, err)
	_, err = db.ExecContext(ctx, d.insert(), 4, struct{ unknown chan int }{}, 4, nil)
	say("a type that nothing can be done with", err != nil, nil)
	_, err = db.ExecContext(ctx, d.insert(), 4)
	say("too few arguments", err != nil, nil)
	_, err = db.ExecContext(ctx, "UPDATE "+d.table+" SET name = 'x' WHERE id = 99")
	say("nothing updated", nil, err)

	all := "SELECT id, name, amount, born FROM " + d.table + " WHERE id >= " + d.placeholder(1) + " ORDER BY id"
	results = append(results, read(db.QueryContext(ctx, all, 1))...)
	results = append(results, read(db.QueryContext(ctx, all, 100))...)
	results = append(results, read(db.QueryContext(ctx, "SELECT 1 WHERE 1 = 2"))...)

	func() {
		s, err := db.PrepareContext(ctx, all)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { say("close", nil, s.Close()) }()
		for i := range 3 {
			results = append(results, read(s.QueryContext(ctx, i+1))...)
		}
	}()

	for i, opts := range []*sql.TxOptions{nil, {Isolation: sql.LevelSerializable}} {
		for _, commit := range []bool{true, false} {
			tx, err := db.BeginTx(ctx, opts)
			if err != nil {
				t.Fatal(err)
			}
			id := 10 + 2*i
			if !commit {
				id++
			}
			_, err = tx.ExecContext(ctx, d.insert(), id, "tx", 0, nil)
			say("in transaction", nil, err)
			results = append(results, read(tx.QueryContext(ctx, all, 10))...)
			if commit {
				say("commit", nil, tx.Commit())
			} else {
				say("rollback", nil, tx.Rollback())
			}
		}
	}
	results = append(results, read(db.QueryContext(ctx, all, 10))...)

	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	say("ping", nil, errors.Join(conn.PingContext(ctx), db.PingContext(ctx)))
	say("close", nil, conn.Close())
	return results
}

// read reads rows with all that can be asked about them.
func read(rows *sql.Rows, err error) (results []string) {
	if err != nil {
		return []string{"query: " + err.Error()}
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	for _, c := range types {
		length, hasLength := c.Length()
		nullable, hasNullable := c.Nullable()
		precision, scale, hasPrecision := c.DecimalSize()
		results = append(results, fmt.Sprint(c.Name(), c.DatabaseTypeName(), c.ScanType(),
			length, hasLength, nullable, hasNullable, precision, scale, hasPrecision, err))
	}
	values := make([]any, len(types))
	for i := range values {
		values[i] = new(any)
	}
	for rows.Next() {
		err := rows.Scan(values...)
		line := fmt.Sprint("row ", err)
		for _, v := range values {
			line += fmt.Sprintf(" %v", *v.(*any))
		}
		results = append(results, line)
	}
	return append(results, fmt.Sprint("end ", rows.Err()))
}

// The driver's own connection can still be reached.
func TestRawConnectionOfPgx(t *testing.T) {
	d := connect(t, products[1])
	conn, err := d.guarded(t, atOnce(2)).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(raw any) error {
		u, ok := raw.(interface{ Unwrap() driver.Conn })
		if !ok {
			return fmt.Errorf("a %T cannot be unwrapped", raw)
		}
		var n int
		err := u.Unwrap().(*stdlib.Conn).Conn().QueryRow(t.Context(), "SELECT 42").Scan(&n)
		if n != 42 {
			t.Errorf("got %d", n)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The errors of each driver are understood: what the database refuses is neither
// retried nor a failure to a breaker.
func TestRefusalsAreAnswers(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		d.do(t, "INSERT INTO %s (id) VALUES (1)")
		db := d.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
		for name, use := range map[string]func() error{
			"duplicate key": func() error { _, err := db.ExecContext(t.Context(), d.insert(), 1, nil, nil, nil); return err },
			"syntax error":  func() error { _, err := db.ExecContext(t.Context(), "INSERT NONSENSE"); return err },
			"missing table": func() error { return drain(db.QueryContext(t.Context(), "SELECT a FROM clad_none")) },
			"in a transaction": func() error {
				tx, err := db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = tx.Rollback() }()
				_, err = tx.ExecContext(t.Context(), d.insert(), 1, nil, nil, nil)
				return err
			},
		} {
			before := d.metrics().Answered
			if err := use(); err == nil || d.metrics().Answered != before+1 {
				t.Errorf("%s: %v is not taken for an answer", name, err)
			}
		}
		if m := d.metrics(); m.RetryAttempts != 0 || m.CircuitBreakerTrips != 0 {
			t.Errorf("counted %+v", m)
		}
	})
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

func TestRefusedLoginIsAnAnswer(t *testing.T) {
	for name, dsn := range map[string]string{
		"PostgreSQL": "postgres://postgres@127.0.0.1:5432/clad_none?sslmode=disable",
		"MariaDB":    "clad_nobody:wrong@tcp(127.0.0.1:3306)/test",
	} {
		for _, p := range products {
			if p.name != name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				d := connect(t, p)
				var err error
				if d.connector, err = cladsql.NewConnector(p.driver, dsn); err != nil {
					t.Fatal(err)
				}
				err = d.guarded(t, atOnce(3)).PingContext(t.Context())
				if m := d.metrics(); err == nil || m.Answered != 1 || m.RetryAttempts != 0 {
					t.Errorf("%v, %+v", err, m)
				}
			})
		}
	}
}

// A server that is away is a failure: it is retried, and trips the breaker.
func TestServerThatIsAwayTripsTheBreaker(t *testing.T) {
	for driverName, dsn := range map[string]string{
		"pgx":   "postgres://postgres@127.0.0.1:1/test?sslmode=disable",
		"mysql": "root@tcp(127.0.0.1:1)/test",
	} {
		t.Run(driverName, func(t *testing.T) {
			d := connect(t, products[0])
			var err error
			if d.connector, err = cladsql.NewConnector(driverName, dsn); err != nil {
				t.Fatal(err)
			}
			db := d.guarded(t, atOnce(2), policy.CircuitBreaker{FailureThreshold: 2})
			if err := db.PingContext(t.Context()); !errors.Is(err, policy.ErrRetriesExhausted) {
				t.Errorf("got %v", err)
			}
			if err := db.PingContext(t.Context()); !errors.Is(err, policy.ErrCircuitOpen) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTimeoutsEndStatements(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		db := d.guarded(t, policy.Timeout(50*time.Millisecond))
		start := time.Now()
		err := drain(db.QueryContext(t.Context(), d.slow))
		if !errors.Is(err, policy.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("it took %v", took)
		}
		// The database is as good as before.
		var one int
		if err := d.guarded(t, policy.Timeout(time.Minute)).QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil || one != 1 {
			t.Errorf("%d, %v", one, err)
		}
	})
}

// A transaction takes as long as it takes; the timeouts bound its statements.
func TestTransactionLastsLongerThanTheTimeouts(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		tx, err := d.guarded(t, policy.Timeout(400*time.Millisecond)).BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		// real time: the drivers' deadlines are the operating system's
		time.Sleep(450 * time.Millisecond)
		if _, err := tx.ExecContext(t.Context(), d.insert(), 1, nil, nil, nil); err != nil {
			t.Error(err)
		}
		if err := tx.Commit(); err != nil || d.count(t) != 1 {
			t.Errorf("%d rows, %v", d.count(t), err)
		}
	})
}

// What a driver says of itself comes out by its type, not only in the chain of what
// clad thinks of it.
func TestDriversErrorsComeOutAsTheyAre(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		d.do(t, "INSERT INTO %s (id) VALUES (1)")
		db := d.guarded(t, policy.Timeout(time.Minute), atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Minute))
		gone, cancel := context.WithCancel(t.Context())
		for name, use := range map[string]func(*sql.DB) error{
			"duplicate key": func(db *sql.DB) error {
				_, err := db.ExecContext(t.Context(), d.insert(), 1, nil, nil, nil)
				return err
			},
			"syntax error": func(db *sql.DB) error { return drain(db.QueryContext(t.Context(), "NONSENSE")) },
			"no arguments": func(db *sql.DB) error { _, err := db.ExecContext(t.Context(), d.insert()); return err },
			"caller gone":  func(db *sql.DB) error { return drain(db.QueryContext(gone, d.slow)) },
		} {
			var said [2]error
			for i, db := range []*sql.DB{d.plain, db} {
				if err := db.PingContext(t.Context()); err != nil { // there is a connection
					t.Fatal(err)
				}
				if name == "caller gone" {
					gone, cancel = context.WithCancel(t.Context())
					// real time: while the server is at work
					time.AfterFunc(50*time.Millisecond, cancel)
				}
				said[i] = use(db)
			}
			want, got := said[0], said[1]
			if want == nil || got == nil || reflect.TypeOf(got) != reflect.TypeOf(want) || got.Error() != want.Error() {
				t.Errorf("%s: %T %v, want %T %v", name, got, got, want, want)
			}
		}
		cancel()
	})
}
