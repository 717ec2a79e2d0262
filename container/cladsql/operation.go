package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// operation is one call of database/sql on its way through a policy. A struct
// and a switch rather than functions, so that it stays on its caller's stack.
type operation struct {
	task  task
	db    *connector
	conn  *conn // nil while there is none yet
	stmt  *stmt // that is executed; nil where conn does it
	query string
	args  []driver.NamedValue
	opts  driver.TxOptions
	fresh bool            // the connection may be replaced
	ctx   context.Context //nolint:containedctx // the caller's, for as long as the call lasts

	// Of the last attempt:
	unconnected bool   // there was no connection: it was not made
	unsent      bool   // the driver says that it was not sent
	left        bool   // the caller has gone meanwhile
	err         error  // what the driver said
	seen        uint64 // the count of losses before it connected

	connected driver.Conn
	prepared  driver.Stmt
	begun     *tx
	rows      driver.Rows
	onClose   driver.Stmt // to be closed with rows
	unwatch   func()      // to be called with rows, or nil
	result    driver.Result
}

// task is what an operation asks of a driver.
type task uint8

const (
	connecting task = iota
	pinging
	preparing
	beginning
	querying
	executing
)

// isDirect reports whether a runner has nothing to do.
func isDirect(r policy.Runner) bool {
	p, ours := r.(*container.Pipeline)
	return ours && p.Direct()
}

// run carries the operation out under a runner, if it is no query.
func (o *operation) run(ctx context.Context, r policy.Runner) (err error) {
	o.start(ctx)
	p, ours := r.(*container.Pipeline)
	switch {
	case !ours:
		err = o.runUnder(r)
	case p.Direct():
		return o.once(ctx)
	default:
		call := p.Begin(ctx)
		defer call.End()
		for call.Next(&err) {
			if err = o.attempt(call.Context()); err != nil {
				o.judge(call.Context(), err).tell(&call)
			} else if o.task == preparing || o.task == beginning || o.task == connecting {
				call.Neutral() // what it is for comes yet
			}
		}
	}
	return o.outcome(err)
}

// runQuery carries out a query under a runner. The call goes on until its rows are
// closed, and is judged then.
func (o *operation) runQuery(ctx context.Context, r policy.Runner) (_ driver.Rows, err error) {
	o.start(ctx)
	p, ours := r.(*container.Pipeline)
	switch {
	case !ours:
		err = o.runUnder(r)
	case p.Direct():
		err = o.once(ctx)
	default:
		call := p.Begin(ctx)
		defer call.End()
		for call.Next(&err) {
			if err = o.attempt(call.Context()); err == nil {
				return o.guardRows(&call), nil
			}
			o.judge(call.Context(), err).tell(&call)
		}
		return nil, o.outcome(err)
	}
	switch {
	case err != nil:
		return nil, o.outcome(err)
	case o.onClose != nil || o.unwatch != nil:
		return &rows{Rows: o.rows, stmt: o.onClose, unwatch: o.unwatch}, nil
	}
	return o.rows, nil
}

// guardRows returns the rows of a query whose call goes on until they end.
func (o *operation) guardRows(call *container.Call) driver.Rows {
	r := &rows{
		Rows: o.rows, stmt: o.onClose, unwatch: o.unwatch,
		open: true, conn: o.conn, caller: o.ctx, attempt: call.Context(),
	}
	call.Defer(&r.outcome)
	return r
}

// start notes what the operation does to the connection.
func (o *operation) start(ctx context.Context) {
	o.ctx = ctx
	c := o.conn
	if c == nil {
		return
	}
	o.fresh = c.fresh
	if o.task >= beginning {
		c.fresh = false
	}
	o.note()
}

// note follows what a statement does to the session.
func (o *operation) note() {
	if o.task >= querying {
		o.conn.session.note(o.query)
	}
}

// once makes the only attempt where there is no policy. What is wrong with the
// connection is left to database/sql.
func (o *operation) once(ctx context.Context) error {
	c := o.conn
	if o.fresh {
		if c.due != nil && !c.reset(ctx) {
			c.unfit = true
		}
		if c.due = nil; c.unfit {
			return driver.ErrBadConn
		}
	}
	return o.ask(ctx)
}

// attempt makes an attempt on a connection that was made ready for it.
func (o *operation) attempt(ctx context.Context) (err error) {
	o.unconnected, o.unsent, o.left = false, false, false
	if o.task == connecting {
		err = o.connect(ctx)
	} else {
		err = o.use(ctx)
	}
	if err == nil {
		if o.task != connecting {
			o.db.health.succeeded()
		}
		return nil
	}
	if errors.Is(err, driver.ErrBadConn) && o.fresh {
		err = &replacedError{err}
	}
	o.err, o.left = err, isOver(o.ctx)
	return err
}

func (o *operation) connect(ctx context.Context) (err error) {
	o.seen = o.db.health.losses.Load()
	o.connected, err = o.db.dial(ctx)
	o.unconnected = err != nil
	return err
}

// use has the driver do on the connection what is asked. One that was idle, and of
// which the driver says that it is of no use, is replaced: nothing was sent by it.
func (o *operation) use(ctx context.Context) error {
	c := o.conn
	generation := c.generation
	if o.fresh {
		if err := c.ready(ctx); err != nil {
			o.unconnected = true
			return err
		}
	}
	if generation != c.generation {
		o.note()
	}
	err := o.do(ctx)
	if !errors.Is(err, driver.ErrBadConn) || !c.made.honest() {
		return err
	}
	o.unsent = true
	if !o.fresh {
		return err
	}
	if err := ctx.Err(); err != nil {
		c.unfit = !c.alive()
		return err // the time was over
	}
	if !c.pooled {
		return err
	}
	c.db.health.lost(c.seen)
	if err := c.renew(ctx); err != nil {
		o.unconnected = true
		return err
	}
	o.note()
	o.unsent = false
	if err = o.do(ctx); errors.Is(err, driver.ErrBadConn) {
		o.unsent = true
	}
	return err
}

// do has the driver do what is asked, and sees to it that it ends in time.
func (o *operation) do(ctx context.Context) error {
	if !o.conn.made.deaf() {
		return o.ask(ctx)
	}
	end := o.conn.watch(ctx)
	err := o.ask(ctx)
	if err == nil && o.task == querying {
		o.unwatch = end
		return nil
	}
	end()
	return err
}

func (o *operation) ask(ctx context.Context) (err error) {
	c := o.conn
	switch o.task {
	case connecting: // has no connection
	case pinging:
		p, ok := c.next.(driver.Pinger)
		if !ok {
			return nil
		}
		err = p.Ping(ctx)
	case preparing:
		o.prepared, err = prepare(ctx, c.next, o.query)
	case beginning:
		o.begun, err = c.beginTx(ctx, o.ctx, o.opts)
	case querying:
		if o.stmt != nil {
			o.rows, err = o.stmt.queryOnce(ctx, o.args)
			break
		}
		o.rows, err = c.queryOnce(ctx, o.query, o.args)
		if errors.Is(err, driver.ErrSkip) {
			o.rows, o.onClose, err = c.queryPrepared(ctx, o.query, o.args)
		}
	case executing:
		if o.stmt != nil {
			o.result, err = o.stmt.execOnce(ctx, o.args)
			break
		}
		o.result, err = c.execOnce(ctx, o.query, o.args)
		if errors.Is(err, driver.ErrSkip) {
			o.result, err = c.execPrepared(ctx, o.query, o.args)
		}
	}
	return err
}

// outcome returns what comes out. Where nothing of ours ended the operation, but
// the driver itself when its caller had gone, that is what the driver said.
func (o *operation) outcome(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(*policy.CancelledError); ok && o.left { //nolint:errorlint // as it was made for this operation
		return o.err
	}
	return err
}

// isOver reports whether a context is over, or is as good as over: the operating
// system tells a driver of a deadline before the context's own timer fires.
func isOver(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	deadline, ok := ctx.Deadline()
	return ok && !time.Now().Before(deadline)
}

// replacedError is an error by which a driver asks for another connection, after
// those that the policy allows have been tried: database/sql, which would do it
// all again, must not find driver.ErrBadConn in it. All else can be found.
type replacedError struct{ err error }

func (e *replacedError) Error() string { return e.err.Error() }

// Is matches what the error is, but for driver.ErrBadConn.
func (e *replacedError) Is(target error) bool {
	return target != driver.ErrBadConn && errors.Is(e.err, target)
}

// As finds what is in the error.
func (e *replacedError) As(target any) bool { return errors.As(e.err, target) }
