package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/cladgo/clad/policy"
)

// wrapConn guards a connection that was made when a count of losses stood at seen.
// That it can execute or query without preparing changes how database/sql handles
// arguments, so the wrapped one can what the driver's can.
func wrapConn(next driver.Conn, db *connector, seen uint64) driver.Conn {
	db.health.open.Add(1)
	c := &conn{next: next, db: db, made: familyOf(next), fresh: true, seen: seen}
	executes, queries := canExec(next), canQuery(next)
	switch {
	case executes && queries:
		return execQueryConn{c}
	case executes:
		return execConn{c}
	case queries:
		return queryConn{c}
	}
	return c
}

// What a connection can besides; the methods are [driver.ExecerContext]'s and
// [driver.QueryerContext]'s.
type (
	execConn      struct{ *conn }
	queryConn     struct{ *conn }
	execQueryConn struct{ *conn }
)

func (c execConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.runExec(ctx, query, args)
}

func (c queryConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.runQuery(ctx, query, args)
}

func (c execQueryConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.runExec(ctx, query, args)
}

func (c execQueryConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.runQuery(ctx, query, args)
}

func (c *conn) runExec(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	o := operation{task: executing, db: c.db, conn: c, query: query, args: args}
	if err := o.run(ctx, c.db.exec); err != nil {
		return nil, err
	}
	return o.result, nil
}

func (c *conn) runQuery(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	o := operation{task: querying, db: c.db, conn: c, query: query, args: args}
	return o.runQuery(ctx, c.db.query)
}

func canExec(c driver.Conn) bool {
	switch c.(type) {
	case driver.ExecerContext, driver.Execer: //nolint:staticcheck // some drivers have only that
		return true
	}
	return false
}

func canQuery(c driver.Conn) bool {
	switch c.(type) {
	case driver.QueryerContext, driver.Queryer: //nolint:staticcheck // some drivers have only that
		return true
	}
	return false
}

// execOnce has the driver execute without preparing, in the way that it can.
func (c *conn) execOnce(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	switch e := c.next.(type) {
	case driver.ExecerContext:
		return e.ExecContext(ctx, query, args)
	case driver.Execer: //nolint:staticcheck // some drivers have only that
		values, err := positional(ctx, args)
		if err != nil {
			return nil, err
		}
		return e.Exec(query, values)
	}
	return nil, driver.ErrSkip
}

// queryOnce has the driver query without preparing, in the way that it can.
func (c *conn) queryOnce(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	switch q := c.next.(type) {
	case driver.QueryerContext:
		return q.QueryContext(ctx, query, args)
	case driver.Queryer: //nolint:staticcheck // some drivers have only that
		values, err := positional(ctx, args)
		if err != nil {
			return nil, err
		}
		return q.Query(query, values)
	}
	return nil, driver.ErrSkip
}

// positional is for drivers that know neither contexts nor names.
func positional(ctx context.Context, named []driver.NamedValue) ([]driver.Value, error) {
	args := make([]driver.Value, len(named))
	for i, n := range named {
		if n.Name != "" {
			return nil, policy.Permanent(errors.New("cladsql: the driver has no named parameters; give " + n.Name + " by its position"))
		}
		args[i] = n.Value
	}
	return args, ctx.Err()
}
