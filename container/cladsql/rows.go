package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// rows are rows whose query is judged when they end: it has succeeded when they
// are closed, and failed when reading them does. They have every ability that is
// optional to a driver; what a driver's have not, they answer as database/sql does
// in its absence.
type rows struct {
	driver.Rows
	stmt    driver.Stmt // to be closed with them, or nil
	unwatch func()      // to be called when they are closed, or nil

	open            bool // the call is under way
	outcome         container.Pending
	conn            *conn
	caller, attempt context.Context //nolint:containedctx // those of the query
}

// Unwrap returns the driver's own rows.
func (r *rows) Unwrap() driver.Rows { return r.Rows }

func (r *rows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err != nil && !errors.Is(err, io.EOF) {
		return r.finish(err)
	}
	return err
}

func (r *rows) Close() error {
	err := r.Rows.Close()
	if r.stmt != nil {
		_ = r.stmt.Close() // the outcome is that of the query
	}
	if r.unwatch != nil {
		r.unwatch()
	}
	return r.finish(err)
}

// finish ends the call with its outcome, once.
func (r *rows) finish(err error) error {
	if !r.open {
		return err
	}
	r.open = false
	if err == nil {
		return r.outcome.Finish(nil, policy.Unknown)
	}
	o := operation{task: querying, db: r.conn.db, conn: r.conn, ctx: r.caller, err: err, left: isOver(r.caller)}
	m := o.judge(r.attempt, err)
	if m.alone {
		return o.outcome(r.outcome.Leave(err))
	}
	return o.outcome(r.outcome.Finish(err, m.verdict))
}

func (r *rows) HasNextResultSet() bool {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

func (r *rows) NextResultSet() error {
	n, ok := r.Rows.(driver.RowsNextResultSet)
	if !ok {
		return io.EOF
	}
	err := n.NextResultSet()
	if err != nil && !errors.Is(err, io.EOF) {
		return r.finish(err)
	}
	return err
}

func (r *rows) ColumnTypeScanType(index int) reflect.Type {
	if c, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return c.ColumnTypeScanType(index)
	}
	return reflect.TypeFor[any]()
}

func (r *rows) ColumnTypeDatabaseTypeName(index int) string {
	if c, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return c.ColumnTypeDatabaseTypeName(index)
	}
	return ""
}

func (r *rows) ColumnTypeLength(index int) (length int64, ok bool) {
	if c, ok := r.Rows.(driver.RowsColumnTypeLength); ok {
		return c.ColumnTypeLength(index)
	}
	return 0, false
}

func (r *rows) ColumnTypeNullable(index int) (nullable, ok bool) {
	if c, ok := r.Rows.(driver.RowsColumnTypeNullable); ok {
		return c.ColumnTypeNullable(index)
	}
	return false, false
}

func (r *rows) ColumnTypePrecisionScale(index int) (precision, scale int64, ok bool) {
	if c, ok := r.Rows.(driver.RowsColumnTypePrecisionScale); ok {
		return c.ColumnTypePrecisionScale(index)
	}
	return 0, 0, false
}
