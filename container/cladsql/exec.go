package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/cladgo/clad/policy"
)

// wrapConn guards a connection. That it can execute or query without preparing
// changes how database/sql handles arguments, so the wrapped one can what the
// driver's can.
func wrapConn(next driver.Conn, g *guards) driver.Conn {
	c := &conn{next: next, guards: g}
	e := execer{c, execOf(next)}
	q := queryer{c, queryOf(next)}
	switch {
	case e.exec != nil && q.query != nil:
		return struct {
			*conn
			execer
			queryer
		}{c, e, q}
	case e.exec != nil:
		return struct {
			*conn
			execer
		}{c, e}
	case q.query != nil:
		return struct {
			*conn
			queryer
		}{c, q}
	}
	return c
}

type (
	execFunc  func(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error)
	queryFunc func(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error)
)

// execOf returns how a driver executes without preparing, nil if it can't.
func execOf(c driver.Conn) execFunc {
	if e, ok := c.(driver.ExecerContext); ok {
		return e.ExecContext
	}
	e, ok := c.(driver.Execer) //nolint:staticcheck // some drivers have only that
	if !ok {
		return nil
	}
	return func(ctx context.Context, query string, named []driver.NamedValue) (driver.Result, error) {
		args, err := positional(ctx, named)
		if err != nil {
			return nil, err
		}
		return e.Exec(query, args)
	}
}

// queryOf returns how a driver queries without preparing, nil if it can't.
func queryOf(c driver.Conn) queryFunc {
	if q, ok := c.(driver.QueryerContext); ok {
		return q.QueryContext
	}
	q, ok := c.(driver.Queryer) //nolint:staticcheck // some drivers have only that
	if !ok {
		return nil
	}
	return func(ctx context.Context, query string, named []driver.NamedValue) (driver.Rows, error) {
		args, err := positional(ctx, named)
		if err != nil {
			return nil, err
		}
		return q.Query(query, args)
	}
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

// execer adds ExecContext to a connection.
type execer struct {
	conn *conn
	exec execFunc
}

// ExecContext implements [driver.ExecerContext].
func (e execer) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e.conn.session.note(query)
	if isDirect(e.conn.guards.exec) {
		return e.once(ctx, query, args)
	}
	return run(ctx, e.conn.guards.exec, &attempts[driver.Result]{
		try:       func(ctx context.Context) (driver.Result, error) { return e.once(ctx, query, args) },
		guards:    e.conn.guards,
		session:   &e.conn.session,
		statement: query,
	})
}

func (e execer) once(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := e.exec(ctx, query, args)
	if errors.Is(err, driver.ErrSkip) {
		return e.conn.execPrepared(ctx, query, args)
	}
	return result, err
}

// queryer adds QueryContext to a connection.
type queryer struct {
	conn  *conn
	query queryFunc
}

// QueryContext implements [driver.QueryerContext].
func (q queryer) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q.conn.session.note(query)
	if isDirect(q.conn.guards.query) {
		return q.once(ctx, query, args)
	}
	return run(ctx, q.conn.guards.query, &attempts[driver.Rows]{
		try:       func(ctx context.Context) (driver.Rows, error) { return q.once(ctx, query, args) },
		guards:    q.conn.guards,
		session:   &q.conn.session,
		statement: query,
		keep:      keepRows,
	})
}

func (q queryer) once(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := q.query(ctx, query, args)
	if errors.Is(err, driver.ErrSkip) {
		return q.conn.queryPrepared(ctx, query, args)
	}
	return rows, err
}
