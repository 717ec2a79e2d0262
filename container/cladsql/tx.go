package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/policy"
)

// Begin implements [driver.Conn]. database/sql calls BeginTx.
func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	o := operation{task: beginning, db: c.db, conn: c, opts: opts}
	if err := o.run(ctx, c.db.begin); err != nil {
		return nil, err
	}
	c.session.begin(opts.ReadOnly)
	return o.begun, nil
}

// beginTx begins a transaction in an attempt's time. It lives as long as its
// caller's context: drivers commit with the context that they began with.
func (c *conn) beginTx(attempt, caller context.Context, opts driver.TxOptions) (*tx, error) {
	own := newTxContext(caller, attempt)
	next, err := begin(own, c.next, opts)
	if err != nil {
		own.end()
		return nil, err
	}
	own.outliveAttempt()
	return &tx{next, c, own}, nil
}

// begin has a driver begin a transaction, in the way that it can.
func begin(ctx context.Context, c driver.Conn, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	if opts.Isolation != 0 || opts.ReadOnly {
		return nil, policy.Permanent(errors.New("cladsql: the driver has neither isolation levels nor read-only transactions; begin with the default options"))
	}
	t, err := c.Begin() //nolint:staticcheck // some drivers have only that
	if err == nil && ctx.Err() != nil {
		return nil, errors.Join(ctx.Err(), t.Rollback())
	}
	return t, err
}

// tx is a transaction that tells its connection when it ends. Ending it is not
// guarded: what a breaker turned away would leave it open.
type tx struct {
	next driver.Tx
	conn *conn
	ctx  *txContext
}

// Unwrap returns the driver's own transaction.
func (t *tx) Unwrap() driver.Tx { return t.next }

func (t *tx) Commit() error {
	defer t.end()
	return t.conn.note(t.next.Commit())
}

func (t *tx) Rollback() error {
	defer t.end()
	return t.conn.note(t.next.Rollback())
}

// note notes the loss of a connection that shows at the end of a transaction, of
// which no policy hears.
func (c *conn) note(err error) error {
	if err != nil && (errors.Is(err, driver.ErrBadConn) || !c.alive()) {
		c.unfit = true
		c.db.health.lost(c.seen)
	}
	return err
}

func (t *tx) end() {
	t.conn.session.end()
	t.ctx.end()
}

// txContext ends with the attempt that begins a transaction, and once that has
// succeeded, with the transaction or its caller's own context.
type txContext struct {
	context.Context
	cancel  context.CancelFunc
	attempt atomic.Pointer[context.Context] // nil once that has succeeded
	leave   func() bool
}

func newTxContext(caller, attempt context.Context) *txContext {
	ctx, cancel := context.WithCancel(caller)
	own := &txContext{Context: ctx, cancel: cancel, leave: context.AfterFunc(attempt, cancel)}
	own.attempt.Store(&attempt)
	return own
}

func (c *txContext) outliveAttempt() {
	c.leave()
	c.attempt.Store(nil)
}

func (c *txContext) end() {
	c.leave()
	c.cancel()
}

// Deadline returns that of the attempt while there is one.
func (c *txContext) Deadline() (time.Time, bool) {
	if attempt := c.attempt.Load(); attempt != nil {
		return (*attempt).Deadline()
	}
	return c.Context.Deadline()
}
