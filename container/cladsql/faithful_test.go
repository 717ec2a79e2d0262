package cladsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
)

// A driver's connection of every kind that makes a difference to database/sql.
var conns = map[string]func(*fakeConn) driver.Conn{
	"plain": func(c *fakeConn) driver.Conn { return c },
	"exec": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			connExec
		}{c, connExec{c}}
	},
	"query": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			connQuery
		}{c, connQuery{c}}
	},
	"exec and query": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			connExec
			connQuery
		}{c, connExec{c}, connQuery{c}}
	},
	"without contexts": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			oldExec
			oldQuery
		}{c, oldExec{c}, oldQuery{c}}
	},
	"checks": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			connCheck
		}{c, connCheck{c}}
	},
	"exec and checks": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			connExec
			connCheck
		}{c, connExec{c}, connCheck{c}}
	},
	"everything": func(c *fakeConn) driver.Conn {
		return struct {
			*fakeConn
			connPrepare
			connBegin
			connExec
			connQuery
			connPing
			connReset
			connValid
			connCheck
		}{c, connPrepare{c}, connBegin{c}, connExec{c}, connQuery{c}, connPing{c}, connReset{c}, connValid{c}, connCheck{c}}
	},
}

// The same for statements.
var stmts = map[string]func(*fakeStmt) driver.Stmt{
	"plain": func(s *fakeStmt) driver.Stmt { return s },
	"contexts": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			stmtExec
			stmtQuery
		}{s, stmtExec{s}, stmtQuery{s}}
	},
	"checks": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			stmtCheck
		}{s, stmtCheck{s}}
	},
	"converts": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			stmtConvert
		}{s, stmtConvert{s}}
	},
	"checks and converts": func(s *fakeStmt) driver.Stmt {
		return struct {
			*fakeStmt
			stmtCheck
			stmtConvert
		}{s, stmtCheck{s}, stmtConvert{s}}
	},
}

var rowKinds = map[string]func(*fakeRows) driver.Rows{
	"plain": func(r *fakeRows) driver.Rows { return r },
	"rich":  func(r *fakeRows) driver.Rows { return newRichRows(r) },
}

// To database/sql, and so to its user, a guarded driver is the driver: whatever
// that can do, the same calls reach it, and the same results come back.
func TestGuardedDriverBehavesAsTheDriver(t *testing.T) {
	runners := map[string]policy.Runner{
		"none":   runner(t),
		"policy": runner(t, policy.Timeout(time.Hour), atOnce(3), policy.CircuitBreaker{}, policy.Timeout(time.Minute)),
		"other": anyRunner(func(ctx context.Context, fn func(context.Context) error) error {
			return fn(ctx)
		}),
	}
	skips := map[string]func(string, int) bool{
		"never":          nil,
		"with arguments": func(_ string, args int) bool { return args > 0 },
	}
	compared := 0
	for connName, conn := range conns {
		for stmtName, stmt := range stmts {
			for skipName, skip := range skips {
				for rowsName, rows := range rowKinds {
					newFake := func() *fake { return &fake{conn: conn, stmt: stmt, rows: rows, skip: skip} }
					plain := newFake()
					// Where a statement is prepared after all, the connection has
					// converted already what only checkers know.
					odd := skip == nil
					want := useDatabase(t, sql.OpenDB(plain), odd)
					for runnerName, r := range runners {
						guarded := newFake()
						got := useDatabase(t, sql.OpenDB(cladsql.Wrap(guarded, r)), odd)
						name := fmt.Sprintf("conn %s, stmt %s, skips %s, rows %s, under %s", connName, stmtName, skipName, rowsName, runnerName)
						compare(t, name+": results", got, want)
						compare(t, name+": calls", withoutResets(guarded.log), withoutResets(plain.log))
						compared++
					}
				}
			}
		}
	}
	t.Logf("%d drivers compared", compared)
}

// withoutResets leaves out when sessions are reset: a guarded one is when a policy
// has let an operation pass.
func withoutResets(log []string) []string {
	return slices.DeleteFunc(slices.Clone(log), func(line string) bool { return line == "reset" })
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%s: at %d got %s, want %s", what, i, g, w)
			return
		}
	}
}

// useDatabase does what one does with a database, and tells what came of it.
func useDatabase(t *testing.T, db *sql.DB, odd bool) (results []string) {
	t.Helper()
	ctx := t.Context()
	db.SetMaxOpenConns(1)
	say := func(what string, value any, err error) {
		// Texts of mistakes differ; that there is one does not.
		results = append(results, fmt.Sprintf("%s: %v, failed %v", what, value, err != nil))
	}
	arguments := [][]any{nil, {1}, {"a"}, {sql.Named("n", "a")}, {struct{ x int }{1}}, {"a", "b"}, {uint64(1) << 63}}
	if odd {
		arguments = append(arguments, []any{sql.NullString{String: "a", Valid: true}}, []any{special{}}, []any{dropped{}})
	}
	for _, args := range arguments {
		query := "INSERT" + strings.Repeat(" ?", len(args))
		result, err := db.ExecContext(ctx, query, args...)
		say("exec", result != nil, err)
		say("query", readAll(db.QueryContext(ctx, "SELECT"+strings.Repeat(" ?", len(args)), args...)), nil)
		func() {
			s, err := db.PrepareContext(ctx, query)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { say("close stmt", nil, s.Close()) }()
			_, err = s.ExecContext(ctx, args...)
			say("stmt exec", nil, err)
			say("stmt query", readAll(s.QueryContext(ctx, args...)), nil)
		}()
	}
	say("ping", nil, db.PingContext(ctx))
	for _, opts := range []*sql.TxOptions{nil, {ReadOnly: true}, {Isolation: sql.LevelSerializable}} {
		tx, err := db.BeginTx(ctx, opts)
		say("begin", nil, err)
		if err != nil {
			continue
		}
		_, err = tx.ExecContext(ctx, "INSERT")
		say("in transaction", nil, err)
		if opts == nil {
			say("commit", nil, tx.Commit())
		} else {
			say("rollback", nil, tx.Rollback())
		}
	}
	say("close", nil, db.Close())
	return results
}

// readAll reads rows with all that can be asked about them.
func readAll(rows *sql.Rows, err error) string {
	if err != nil {
		return "failed"
	}
	defer func() { _ = rows.Close() }()
	var b strings.Builder
	types, err := rows.ColumnTypes()
	for _, c := range types {
		length, hasLength := c.Length()
		nullable, hasNullable := c.Nullable()
		precision, scale, hasPrecision := c.DecimalSize()
		fmt.Fprintln(&b, c.Name(), c.DatabaseTypeName(), c.ScanType(), length, hasLength, nullable, hasNullable, precision, scale, hasPrecision, err)
	}
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			var n int
			fmt.Fprint(&b, rows.Scan(&n), n, " ")
		}
		fmt.Fprintln(&b, rows.Err())
	}
	return b.String()
}

func TestWrappedPartsCanBeUnwrapped(t *testing.T) {
	f := &fake{}
	c := cladsql.Wrap(f, runner(t))
	if u, ok := c.(interface{ Unwrap() driver.Connector }); !ok || u.Unwrap() != driver.Connector(f) {
		t.Error("the connector")
	}
	if _, ok := c.Driver().(fakeDriver); !ok {
		t.Errorf("the driver is a %T", c.Driver())
	}
	db := sql.OpenDB(c)
	t.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(raw any) error {
		u, ok := raw.(interface{ Unwrap() driver.Conn })
		if !ok {
			t.Fatalf("%T", raw)
		}
		if _, ok := u.Unwrap().(*fakeConn); !ok {
			t.Errorf("the connection is a %T", u.Unwrap())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
