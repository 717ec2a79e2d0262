package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
)

// conn is a guarded connection. database/sql uses one from one goroutine at a
// time.
//
// Of the abilities that are optional to a driver, conn has those whose absence
// it can act out: see each. Exec and Query are not of them; those are added by
// wrapConn.
type conn struct {
	next driver.Conn
	*guards
	session session
}

// Unwrap returns the driver's own connection.
func (c *conn) Unwrap() driver.Conn { return c.next }

// Close implements [driver.Conn].
func (c *conn) Close() error { return c.next.Close() }

// Ping implements [driver.Pinger]. Without the driver's, a ping succeeds.
func (c *conn) Ping(ctx context.Context) error {
	p, ok := c.next.(driver.Pinger)
	if !ok {
		return nil
	}
	_, err := run(ctx, c.ping, &attempts[struct{}]{
		try:     func(ctx context.Context) (struct{}, error) { return struct{}{}, p.Ping(ctx) },
		guards:  c.guards,
		session: &c.session,
	})
	return err
}

// ResetSession implements [driver.SessionResetter]. Without the driver's, there
// is nothing to reset.
func (c *conn) ResetSession(ctx context.Context) error {
	if r, ok := c.next.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

// IsValid implements [driver.Validator]. Without the driver's, a connection is
// valid.
func (c *conn) IsValid() bool {
	v, ok := c.next.(driver.Validator)
	return !ok || v.IsValid()
}

// CheckNamedValue implements [driver.NamedValueChecker]. Without the driver's,
// it leaves the value to what else would check it.
func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if n, ok := c.next.(driver.NamedValueChecker); ok {
		return n.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

// Prepare implements [driver.Conn]. database/sql calls PrepareContext.
func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	next, err := run(ctx, c.prepare, &attempts[driver.Stmt]{
		try:     func(ctx context.Context) (driver.Stmt, error) { return prepare(ctx, c.next, query) },
		guards:  c.guards,
		session: &c.session,
	})
	if err != nil {
		return nil, err
	}
	return wrapStmt(next, c, query), nil
}

// prepare has a driver prepare a statement, in the way that it can.
func prepare(ctx context.Context, c driver.Conn, query string) (driver.Stmt, error) {
	if p, ok := c.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	s, err := c.Prepare(query)
	if err == nil && ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), s.Close())
	}
	return s, err
}
