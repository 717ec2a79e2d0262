package cladsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
)

// still is a database that does nothing, and allocates nothing.
type still struct{ driver.Conn }

func (c still) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (still) Driver() driver.Driver                          { return nil }
func (still) Close() error                                   { return nil }

func (still) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

func (still) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return oneRow, nil
}

type stillRows struct{ read bool }

var (
	oneRow  = &stillRows{}
	columns = []string{"a"}
	one     = driver.Value(int64(1))
)

func (*stillRows) Columns() []string { return columns }
func (r *stillRows) Close() error    { r.read = false; return nil }
func (r *stillRows) Next(dest []driver.Value) error {
	if r.read {
		return io.EOF
	}
	r.read, dest[0] = true, one
	return nil
}

func TestAllocationsOfAStatement(t *testing.T) {
	bare := allocations(t, sql.OpenDB(still{}))
	for _, c := range []struct {
		name        string
		layers      []policy.Policy
		exec, query float64 // above those without clad
	}{
		{"none", nil, 0, 0},
		{"retry and breaker", []policy.Policy{policy.Retry{}, policy.CircuitBreaker{}}, 0, 1},
		{"with a timeout", []policy.Policy{policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute)}, 1, 2},
		{"with two", []policy.Policy{policy.Timeout(time.Hour), policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute)}, 2, 3},
	} {
		got := allocations(t, sql.OpenDB(cladsql.Wrap(still{}, runner(t, c.layers...))))
		if got.exec > bare.exec+c.exec || got.query > bare.query+c.query {
			t.Errorf("%s: %+v, without clad %+v", c.name, got, bare)
		}
	}
}

type allocated struct{ exec, query float64 }

func allocations(t *testing.T, db *sql.DB) (a allocated) {
	t.Helper()
	defer func() { _ = db.Close() }()
	a.exec = fewest(func() {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (1)"); err != nil {
			t.Fatal(err)
		}
	})
	a.query = fewest(func() {
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT a FROM t").Scan(&n); err != nil {
			t.Fatal(err)
		}
	})
	return a
}

// fewest is how much a call allocates, at the best of a few times: database/sql's own
// goroutines allocate now and then, and pools lose what they hold.
func fewest(call func()) float64 {
	n := testing.AllocsPerRun(100, call)
	for range 9 {
		n = min(n, testing.AllocsPerRun(100, call))
	}
	return n
}

func BenchmarkQueryRow(b *testing.B) {
	o := newOrchestrator(b)
	r, err := o.For("db", policy.Combine(policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute)))
	if err != nil {
		b.Fatal(err)
	}
	for name, db := range map[string]*sql.DB{"bare": sql.OpenDB(still{}), "guarded": sql.OpenDB(cladsql.Wrap(still{}, r))} {
		b.Run(name, func(b *testing.B) {
			defer func() { _ = db.Close() }()
			b.ReportAllocs()
			var n int
			for b.Loop() {
				if err := db.QueryRowContext(b.Context(), "SELECT a FROM t").Scan(&n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
