package cladsql_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
)

// still is a database that does nothing, and allocates nothing.
type still struct{ driver.Conn }

func (c still) Connect(context.Context) (driver.Conn, error) { return c, nil }
func (still) Driver() driver.Driver                          { return nil }

func (still) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.ResultNoRows, nil
}

func TestAllocationsOfAStatement(t *testing.T) {
	for _, c := range []struct {
		name   string
		layers []policy.Policy
		want   float64
	}{
		{"none", nil, 0},
		{"retry and breaker", []policy.Policy{policy.Retry{}, policy.CircuitBreaker{}}, 2},
		{"with a timeout", []policy.Policy{policy.Retry{}, policy.CircuitBreaker{}, policy.Timeout(time.Minute)}, 3},
	} {
		conn, err := cladsql.Wrap(still{}, runner(t, c.layers...)).Connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e := conn.(driver.ExecerContext)
		n := testing.AllocsPerRun(100, func() {
			if _, err := e.ExecContext(t.Context(), "INSERT INTO t VALUES (1)", nil); err != nil {
				t.Fatal(err)
			}
		})
		if n > c.want {
			t.Errorf("%s: %v allocations, want %v", c.name, n, c.want)
		}
	}
}
