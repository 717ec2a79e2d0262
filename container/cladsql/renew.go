package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"
)

// ready makes a fresh connection ready for an attempt, within the attempt's time:
// the session is reset where that is due, and a connection that was lost, or that
// is not to be trusted, is replaced. An error comes from connecting: the statement
// was not made.
func (c *conn) ready(ctx context.Context) error {
	due := c.due != nil
	c.due = nil
	switch {
	case c.unfit, c.mistrusted(), due && !c.reset(ctx):
		return c.renew(ctx)
	case c.pooled:
		return c.look(ctx)
	}
	return nil
}

// reset has the driver reset its session. It reports whether the connection is
// still of use; like database/sql, it looks at nothing else.
func (c *conn) reset(ctx context.Context) bool {
	r, ok := c.next.(driver.SessionResetter)
	if !ok || !errors.Is(r.ResetSession(ctx), driver.ErrBadConn) {
		return true
	}
	if ctx.Err() != nil { // some drivers ask the server
		c.db.health.failed()
	} else {
		c.db.health.lost(c.seen)
	}
	return false
}

// mistrusted reports whether a connection that was idle is to be replaced without
// being asked: nothing went well since long before. One of an unknown driver may
// be all that there is of a database in memory, so it is only looked at.
func (c *conn) mistrusted() bool {
	return c.pooled && c.made.overNetwork() && c.db.health.failures.Load() >= manyFailures
}

// look pings a connection that was idle when another one was lost. If it is lost
// as well, it is replaced, and nobody hears of it.
func (c *conn) look(ctx context.Context) error {
	losses := c.db.health.losses.Load()
	if c.seen == losses && !c.stale() {
		return nil
	}
	p, ok := c.next.(driver.Pinger)
	if !ok {
		return nil
	}
	end := c.watch(ctx)
	err := p.Ping(ctx)
	end()
	switch {
	case err == nil:
		c.seen = losses
		return nil
	case ctx.Err() != nil:
		c.db.health.failed()
		return ctx.Err()
	case errors.Is(err, driver.ErrBadConn) || !c.alive():
		c.db.health.lost(c.seen)
		return c.renew(ctx)
	}
	return nil
}

// stale reports whether a connection was idle for so long that it is to be looked
// at. Drivers whose ErrBadConn can be relied on need no such care.
func (c *conn) stale() bool {
	return !c.made.honest() && !c.parked.IsZero() && time.Since(c.parked) > time.Second
}

// renew replaces the driver's connection by a fresh one.
func (c *conn) renew(ctx context.Context) error {
	c.unfit = true // until there is another one
	_ = c.Close()  // it is of no use any more
	seen := c.db.health.losses.Load()
	next, err := c.db.dial(ctx)
	if err != nil {
		return err
	}
	c.db.health.open.Add(1)
	c.next, c.seen, c.unfit, c.closed, c.pooled = next, seen, false, false, false
	c.session = session{}
	c.generation++
	return nil
}
