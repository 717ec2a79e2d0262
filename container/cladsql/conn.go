package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// conn is a guarded connection. database/sql uses one from one goroutine at a
// time.
//
// Of the abilities that are optional to a driver, conn has those whose absence
// it can act out: see each. Exec and Query are not of them; those are added by
// wrapConn.
type conn struct {
	next driver.Conn // another one when that was lost, see renew
	db   *connector
	made family

	session session
	// fresh is whether nothing was done since the session was reset that
	// another connection did not do as well. Only then may next be replaced.
	fresh bool
	// due is the context of the reset that database/sql asked for; nil where
	// that is done. It waits until a policy has admitted an operation: one that
	// is turned away does not touch the connection.
	due context.Context //nolint:containedctx // it is that of the operation about to come

	pooled     bool      // it was idle in a pool
	parked     time.Time // since when, where that is of interest
	unfit      bool      // next is of no use any more
	closed     bool
	seen       uint64 // the count of losses when next was last seen well
	generation int    // of next
}

// Unwrap returns the driver's own connection. A reset that is due is made first.
func (c *conn) Unwrap() driver.Conn {
	if c.fresh && c.due != nil {
		_ = c.ready(c.due) // what is wrong with the connection, its user will find
	}
	c.fresh = false
	return c.next
}

// Close implements [driver.Conn].
func (c *conn) Close() error {
	if c.closed {
		return nil // when it was to be replaced, and could not be
	}
	c.closed = true
	c.db.health.open.Add(-1)
	return c.next.Close()
}

// Ping implements [driver.Pinger]. Without the driver's, a ping succeeds.
func (c *conn) Ping(ctx context.Context) error {
	if _, ok := c.next.(driver.Pinger); !ok {
		return nil
	}
	o := operation{task: pinging, db: c.db, conn: c}
	return o.run(ctx, c.db.ping)
}

// ResetSession implements [driver.SessionResetter]. Without the driver's, there
// is nothing to reset.
func (c *conn) ResetSession(ctx context.Context) error {
	c.due, c.fresh, c.pooled = ctx, true, true
	return nil
}

// IsValid implements [driver.Validator]. Without the driver's, a connection is
// valid.
func (c *conn) IsValid() bool {
	c.due = nil // it will be asked for anew
	if !c.made.honest() {
		c.parked = time.Now()
	}
	return !c.unfit && c.alive()
}

// alive reports whether the driver thinks that its connection can be used.
func (c *conn) alive() bool {
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
	o := operation{task: preparing, db: c.db, conn: c, query: query}
	if err := o.run(ctx, c.db.prepare); err != nil {
		return nil, err
	}
	return wrapStmt(o.prepared, c, query), nil
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
