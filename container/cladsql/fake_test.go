package cladsql_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// fake is a database that notes what its driver is asked, and fails as it is told.
type fake struct {
	log  []string
	fail func(what string) error // by the first word of the log's line; nil never fails

	conn func(*fakeConn) driver.Conn // gives connections further abilities
	stmt func(*fakeStmt) driver.Stmt // the same for statements
	rows func(*fakeRows) driver.Rows
	skip func(query string, args int) bool // Exec and Query want the statement prepared

	contexts []context.Context // of all calls that have one
}

func (f *fake) note(ctx context.Context, format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	f.log = append(f.log, line)
	if ctx != nil {
		f.contexts = append(f.contexts, ctx)
	}
	if f.fail == nil {
		return nil
	}
	return f.fail(strings.Fields(line)[0])
}

// Connect and Driver make it a driver.Connector.
func (f *fake) Connect(ctx context.Context) (driver.Conn, error) {
	if err := f.note(ctx, "connect"); err != nil {
		return nil, err
	}
	c := &fakeConn{f}
	if f.conn != nil {
		return f.conn(c), nil
	}
	return c, nil
}

func (f *fake) Driver() driver.Driver { return fakeDriver{f} }

type fakeDriver struct{ f *fake }

func (d fakeDriver) Open(dsn string) (driver.Conn, error) {
	return &fakeConn{d.f}, d.f.note(nil, "open %s", dsn) //nolint:staticcheck // there is no context
}

// fakeConn can what every connection must, and nothing more.
type fakeConn struct{ f *fake }

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) {
	return c.prepare(nil, "prepare", query) //nolint:staticcheck // there is no context
}

func (c *fakeConn) prepare(ctx context.Context, how, query string) (driver.Stmt, error) {
	if err := c.f.note(ctx, "%s %s", how, query); err != nil {
		return nil, err
	}
	s := &fakeStmt{c.f, query}
	if c.f.stmt != nil {
		return c.f.stmt(s), nil
	}
	return s, nil
}

func (c *fakeConn) Close() error { return c.f.note(nil, "close") } //nolint:staticcheck // there is no context

func (c *fakeConn) Begin() (driver.Tx, error) {
	return &fakeTx{c.f}, c.f.note(nil, "begin") //nolint:staticcheck // there is no context
}

func (c *fakeConn) exec(ctx context.Context, how, query string, args any, n int) (driver.Result, error) {
	if err := c.f.note(ctx, "%s %s%v", how, query, args); err != nil {
		return nil, err
	}
	if c.f.skip != nil && c.f.skip(query, n) {
		return nil, driver.ErrSkip
	}
	return driver.RowsAffected(1), nil
}

func (c *fakeConn) query(ctx context.Context, how, query string, args any, n int) (driver.Rows, error) {
	if _, err := c.exec(ctx, how, query, args, n); err != nil {
		return nil, err
	}
	return c.f.newRows(), nil
}

func (f *fake) newRows() driver.Rows {
	r := &fakeRows{f, 2}
	if f.rows != nil {
		return f.rows(r)
	}
	return r
}

// What a connection may be able to do.
type (
	connPrepare struct{ c *fakeConn }
	connBegin   struct{ c *fakeConn }
	connExec    struct{ c *fakeConn }
	connQuery   struct{ c *fakeConn }
	oldExec     struct{ c *fakeConn }
	oldQuery    struct{ c *fakeConn }
	connPing    struct{ c *fakeConn }
	connReset   struct{ c *fakeConn }
	connValid   struct{ c *fakeConn }
	connCheck   struct{ c *fakeConn }
)

func (x connPrepare) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return x.c.prepare(ctx, "prepare-context", query)
}

func (x connBegin) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return &fakeTx{x.c.f}, x.c.f.note(ctx, "begin-context %v", opts)
}

func (x connExec) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return x.c.exec(ctx, "exec-context", query, args, len(args))
}

func (x connQuery) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return x.c.query(ctx, "query-context", query, args, len(args))
}

func (x oldExec) Exec(query string, args []driver.Value) (driver.Result, error) {
	return x.c.exec(nil, "exec", query, args, len(args)) //nolint:staticcheck // there is no context
}

func (x oldQuery) Query(query string, args []driver.Value) (driver.Rows, error) {
	return x.c.query(nil, "query", query, args, len(args)) //nolint:staticcheck // there is no context
}

func (x connPing) Ping(ctx context.Context) error          { return x.c.f.note(ctx, "ping") }
func (x connReset) ResetSession(ctx context.Context) error { return x.c.f.note(ctx, "reset") }
func (x connValid) IsValid() bool                          { return x.c.f.note(nil, "valid") == nil } //nolint:staticcheck // there is no context

// CheckNamedValue knows a type of its own, and leaves the rest to others.
func (x connCheck) CheckNamedValue(v *driver.NamedValue) error { return x.c.f.check("check", v) }

func (f *fake) check(who string, v *driver.NamedValue) error {
	_ = f.note(nil, "%s %d %v", who, v.Ordinal, v.Value) //nolint:staticcheck // there is no context
	switch v.Value.(type) {
	case special:
		v.Value = who
		return nil
	case dropped:
		return driver.ErrRemoveArgument
	}
	return driver.ErrSkip
}

type (
	special struct{}
	dropped struct{}
)

type fakeStmt struct {
	f *fake
	q string
}

func (s *fakeStmt) Close() error  { return s.f.note(nil, "close-stmt") } //nolint:staticcheck // there is no context
func (s *fakeStmt) NumInput() int { return strings.Count(s.q, "?") }
func (s *fakeStmt) Exec(args []driver.Value) (driver.Result, error) {
	return driver.RowsAffected(1), s.f.note(nil, "stmt-exec %s%v", s.q, args) //nolint:staticcheck // there is no context
}

func (s *fakeStmt) Query(args []driver.Value) (driver.Rows, error) {
	return s.f.newRows(), s.f.note(nil, "stmt-query %s%v", s.q, args) //nolint:staticcheck // there is no context
}

type (
	stmtExec    struct{ s *fakeStmt }
	stmtQuery   struct{ s *fakeStmt }
	stmtCheck   struct{ s *fakeStmt }
	stmtConvert struct{ s *fakeStmt }
)

func (x stmtExec) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), x.s.f.note(ctx, "stmt-exec-context %s%v", x.s.q, args)
}

func (x stmtQuery) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return x.s.f.newRows(), x.s.f.note(ctx, "stmt-query-context %s%v", x.s.q, args)
}

func (x stmtCheck) CheckNamedValue(v *driver.NamedValue) error { return x.s.f.check("check-stmt", v) }

func (x stmtConvert) ColumnConverter(index int) driver.ValueConverter {
	_ = x.s.f.note(nil, "convert %d", index) //nolint:staticcheck // there is no context
	return upper{}
}

// upper takes strings only.
type upper struct{}

func (upper) ConvertValue(v any) (driver.Value, error) {
	s, ok := v.(string)
	if !ok {
		return nil, errors.New("no string")
	}
	return strings.ToUpper(s), nil
}

type fakeTx struct{ f *fake }

func (t *fakeTx) Commit() error   { return t.f.note(nil, "commit") }   //nolint:staticcheck // there is no context
func (t *fakeTx) Rollback() error { return t.f.note(nil, "rollback") } //nolint:staticcheck // there is no context

type fakeRows struct {
	f    *fake
	left int
}

func (r *fakeRows) Columns() []string { return []string{"a"} }
func (r *fakeRows) Close() error      { return r.f.note(nil, "close-rows") } //nolint:staticcheck // there is no context
func (r *fakeRows) Next(dest []driver.Value) error {
	if r.left == 0 {
		return io.EOF
	}
	r.left--
	dest[0] = int64(r.left)
	return nil
}

// richRows can all that rows may be able to.
type richRows struct {
	*fakeRows
	sets *int
}

func newRichRows(r *fakeRows) richRows {
	sets := 1
	return richRows{r, &sets}
}

func (r richRows) HasNextResultSet() bool { return *r.sets > 0 }
func (r richRows) NextResultSet() error {
	if *r.sets == 0 {
		return io.EOF
	}
	*r.sets--
	*r.fakeRows = fakeRows{r.f, 1}
	return nil
}
func (richRows) ColumnTypeScanType(int) reflect.Type               { return reflect.TypeFor[int64]() }
func (richRows) ColumnTypeDatabaseTypeName(int) string             { return "BIGINT" }
func (richRows) ColumnTypeLength(int) (int64, bool)                { return 8, true }
func (richRows) ColumnTypeNullable(int) (nullable, ok bool)        { return true, true }
func (richRows) ColumnTypePrecisionScale(int) (int64, int64, bool) { return 19, 3, true }
