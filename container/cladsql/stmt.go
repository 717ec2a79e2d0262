package cladsql

import (
	"context"
	"database/sql/driver"
)

// stmt is a guarded prepared statement.
type stmt struct {
	next  driver.Stmt
	conn  *conn
	query string
}

// wrapStmt guards a statement. That it converts its columns' values changes how
// database/sql handles arguments, so the wrapped one does where the driver's does.
func wrapStmt(next driver.Stmt, c *conn, query string) driver.Stmt {
	s := &stmt{next, c, query}
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
func (s *stmt) Close() error { return s.next.Close() }

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
	s.conn.session.note(s.query)
	if isDirect(s.conn.guards.exec) {
		return execStmt(ctx, s.next, args)
	}
	return run(ctx, s.conn.guards.exec, &attempts[driver.Result]{
		try:       func(ctx context.Context) (driver.Result, error) { return execStmt(ctx, s.next, args) },
		guards:    s.conn.guards,
		session:   &s.conn.session,
		statement: s.query,
	})
}

// QueryContext implements [driver.StmtQueryContext].
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.conn.session.note(s.query)
	if isDirect(s.conn.guards.query) {
		return queryStmt(ctx, s.next, args)
	}
	return run(ctx, s.conn.guards.query, &attempts[driver.Rows]{
		try:       func(ctx context.Context) (driver.Rows, error) { return queryStmt(ctx, s.next, args) },
		guards:    s.conn.guards,
		session:   &s.conn.session,
		statement: s.query,
		keep:      keepRows,
	})
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
