package cladsql

import (
	"context"
	"database/sql/driver"
)

// stmt is a guarded prepared statement.
type stmt struct {
	next       driver.Stmt
	conn       *conn
	query      string
	generation int // of the driver's connection that it is prepared on
}

// wrapStmt guards a statement. That it converts its columns' values changes how
// database/sql handles arguments, so the wrapped one does where the driver's does.
func wrapStmt(next driver.Stmt, c *conn, query string) driver.Stmt {
	s := &stmt{next, c, query, c.generation}
	if cc, ok := next.(driver.ColumnConverter); ok { //nolint:staticcheck // some drivers have only that
		return &convertingStmt{s, cc}
	}
	return s
}

type convertingStmt struct {
	*stmt
	converter driver.ColumnConverter //nolint:staticcheck // some drivers have only that
}

// ColumnConverter implements [driver.ColumnConverter].
func (s *convertingStmt) ColumnConverter(index int) driver.ValueConverter {
	return s.converter.ColumnConverter(index)
}

// Unwrap returns the driver's own statement.
func (s *stmt) Unwrap() driver.Stmt { return s.next }

// Close implements [driver.Stmt].
func (s *stmt) Close() error {
	err := s.next.Close()
	if s.conn.closed || s.generation != s.conn.generation {
		return nil // it went with its connection
	}
	return err
}

// NumInput implements [driver.Stmt].
func (s *stmt) NumInput() int { return s.next.NumInput() }

// CheckNamedValue implements [driver.NamedValueChecker]. Without the statement's
// own, it is the connection's.
func (s *stmt) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := s.next.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return s.conn.CheckNamedValue(v)
}

// Exec implements [driver.Stmt]. database/sql calls ExecContext.
func (s *stmt) Exec(args []driver.Value) (driver.Result, error) {
	return s.ExecContext(context.Background(), named(args))
}

// Query implements [driver.Stmt]. database/sql calls QueryContext.
func (s *stmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.QueryContext(context.Background(), named(args))
}

// ExecContext implements [driver.StmtExecContext].
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	o := operation{task: executing, db: s.conn.db, conn: s.conn, stmt: s, query: s.query, args: args}
	if err := o.run(ctx, s.conn.db.exec); err != nil {
		return nil, err
	}
	return o.result, nil
}

// QueryContext implements [driver.StmtQueryContext].
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	o := operation{task: querying, db: s.conn.db, conn: s.conn, stmt: s, query: s.query, args: args}
	return o.runQuery(ctx, s.conn.db.query)
}

// current prepares the statement anew where its connection was replaced.
func (s *stmt) current(ctx context.Context) (driver.Stmt, error) {
	if s.generation == s.conn.generation {
		return s.next, nil
	}
	next, err := prepare(ctx, s.conn.next, s.query)
	if err != nil {
		return nil, err
	}
	_ = s.next.Close() // it went with its connection
	s.next, s.generation = next, s.conn.generation
	return next, nil
}

func (s *stmt) execOnce(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	next, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return execStmt(ctx, next, args)
}

func (s *stmt) queryOnce(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	next, err := s.current(ctx)
	if err != nil {
		return nil, err
	}
	return queryStmt(ctx, next, args)
}

// execStmt has a driver execute a statement, in the way that it can.
func execStmt(ctx context.Context, s driver.Stmt, named []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, named)
	}
	args, err := positional(ctx, named)
	if err != nil {
		return nil, err
	}
	return s.Exec(args) //nolint:staticcheck // some drivers have only that
}

// queryStmt has a driver query by a statement, in the way that it can.
func queryStmt(ctx context.Context, s driver.Stmt, named []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, named)
	}
	args, err := positional(ctx, named)
	if err != nil {
		return nil, err
	}
	return s.Query(args) //nolint:staticcheck // some drivers have only that
}

func named(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return values
}
