package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/cladgo/clad/policy"
)

// A driver may answer Exec or Query with driver.ErrSkip: it wants the statement
// prepared first. database/sql would do that in three more calls. It is done here
// instead: then one statement is one operation, which takes one token, is
// counted once, and tells a breaker once how it went.

func (c *conn) execPrepared(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, args, err := c.preparedFor(ctx, query, args)
	if err != nil {
		return nil, err
	}
	result, err := execStmt(ctx, s, args)
	_ = s.Close() // the outcome is that of the execution
	return result, err
}

func (c *conn) queryPrepared(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, driver.Stmt, error) {
	s, args, err := c.preparedFor(ctx, query, args)
	if err != nil {
		return nil, nil, err
	}
	rows, err := queryStmt(ctx, s, args)
	if err != nil {
		_ = s.Close() // the outcome is that of the query
		return nil, nil, err
	}
	return rows, s, nil
}

// preparedFor prepares a statement, and checks the arguments as it wants them.
func (c *conn) preparedFor(ctx context.Context, query string, args []driver.NamedValue) (driver.Stmt, []driver.NamedValue, error) {
	s, err := prepare(ctx, c.next, query)
	if err != nil {
		return nil, nil, err
	}
	if args, err = c.checkArgs(s, args); err != nil {
		_ = s.Close() // nothing was done with it
		return nil, nil, policy.Permanent(err)
	}
	return s, args, nil
}

// checkArgs passes arguments through what a statement checks them with, in the
// order that database/sql has for it, and with its errors. The connection has made plain values of
// them already.
func (c *conn) checkArgs(s driver.Stmt, args []driver.NamedValue) ([]driver.NamedValue, error) {
	want := s.NumInput() // -1 where the driver does not know
	var checks []func(*driver.NamedValue) error
	if n, ok := s.(driver.NamedValueChecker); ok {
		checks = append(checks, n.CheckNamedValue)
	} else if n, ok := c.next.(driver.NamedValueChecker); ok {
		checks = append(checks, n.CheckNamedValue)
	}
	if cc, ok := s.(driver.ColumnConverter); ok { //nolint:staticcheck // some drivers have only that
		checks = append(checks, func(v *driver.NamedValue) (err error) {
			if v.Ordinal <= want {
				v.Value, err = cc.ColumnConverter(v.Ordinal - 1).ConvertValue(v.Value)
			}
			return err
		})
	}
	checks = append(checks, func(v *driver.NamedValue) (err error) {
		v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value)
		return err
	})

	checked := make([]driver.NamedValue, 0, len(args))
	for _, arg := range args {
		arg.Ordinal = len(checked) + 1
		err := driver.ErrSkip
		for i := 0; i < len(checks) && errors.Is(err, driver.ErrSkip); i++ {
			err = checks[i](&arg)
		}
		switch {
		case err == nil:
			checked = append(checked, arg)
		case !errors.Is(err, driver.ErrRemoveArgument):
			return nil, fmt.Errorf("sql: converting argument $%d type: %w", arg.Ordinal, err)
		}
	}
	if want >= 0 && len(checked) != want {
		return nil, fmt.Errorf("sql: expected %d arguments, got %d", want, len(checked))
	}
	return checked, nil
}
