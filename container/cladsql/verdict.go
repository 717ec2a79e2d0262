package cladsql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/refusal"
	"github.com/cladgo/clad/internal/sqlerr"
	"github.com/cladgo/clad/policy"
)

// meaning is what an error says: of the database, of the statement, and of the
// connection.
type meaning struct {
	verdict policy.Verdict
	undone  bool // the statement has certainly had no effect
	alone   bool // it says nothing of the database as a whole, and is not counted
	lost    bool // the connection is gone
	unfit   bool // the connection works, and is of no use
	full    bool // the server takes no more connections than those that it has
	mode    bool // the server takes no writes, or the transaction does
	final   bool // there is to be no further attempt
}

// tell tells a call what the attempt that it just made came to.
func (m meaning) tell(call *container.Call) {
	if m.alone {
		call.Neutral()
	} else {
		call.Judge(m.verdict)
	}
	if m.final {
		call.Stop()
	}
}

// judge finds what the error of an attempt means, and what becomes of the
// connection.
func (o *operation) judge(ctx context.Context, err error) meaning {
	m := o.understand(ctx, err)
	health := &o.db.health
	over := ctx.Err()
	switch {
	case m.verdict == policy.Answered || m.verdict == policy.Refused:
		if !m.lost && !o.unconnected {
			health.succeeded()
		}
	case o.unconnected:
		m.alone = m.alone || m.full && health.open.Load() > 0 // those that are open work
	case over != nil:
		if errors.Is(over, context.DeadlineExceeded) {
			health.failed()
		}
	case m.lost:
		health.failed()
		// Connections that die together are one event; and of one that the
		// driver did not even use, this one alone is known to be gone.
		m.alone = !health.lost(o.conn.seen) || o.unsent && !o.fresh
	}
	if c := o.conn; c != nil {
		c.unfit = c.unfit || m.lost || m.unfit
		if o.fresh {
			c.due = ctx // before another attempt
		}
	}
	m.final = m.final || !o.mayRepeat(m)
	return m
}

// mayRepeat reports whether another attempt may follow a failure.
func (o *operation) mayRepeat(m meaning) bool {
	switch {
	case o.conn == nil:
		return true
	case o.conn.unfit && !o.fresh, !o.conn.unfit && o.conn.session.state != idle:
		return false
	case o.task < querying, o.unconnected, o.unsent:
		return true
	case m.undone && o.conn.session.state == idle: // else it may have committed something before
		return true
	}
	return o.db.repeat(o.query)
}

// understand finds what an error means: by what drivers have in common, so that
// none of them need be imported, and by what the driver thinks of its connection.
func (o *operation) understand(ctx context.Context, err error) (m meaning) {
	switch {
	case o.db.answers(err), errors.Is(err, sql.ErrNoRows):
		return meaning{verdict: policy.Answered}
	case policy.IsAnswer(err), policy.IsPermanent(err), isClads(err):
		return meaning{} // it says so itself
	}
	m, known := byCode(err)
	if o.unconnected {
		m.lost, m.unfit = false, false // there is none
		m.final = m.final || isUnverified(err)
		return m
	}
	c := o.conn
	_, validates := c.next.(driver.Validator)
	m.lost = errors.Is(err, driver.ErrBadConn) || o.unsent || !c.alive() || !validates && (m.lost || isTrouble(err))
	switch {
	case m.mode && (c.session.readOnly || c.session.readOnlyTx):
		m = meaning{verdict: policy.Answered, lost: m.lost}
	case m.mode:
		m.unfit = true // another connection may lead to the server that is writable now
	case !known && !m.lost && ctx.Err() == nil && c.made != unknownDriver && !isTrouble(err):
		// These drivers' own errors are of arguments that they cannot send and
		// options that they do not have: the caller's mistake.
		m.verdict = policy.Refused
	}
	return m
}

// isClads reports whether an error is of a policy further in.
func isClads(err error) bool {
	return refusal.Is(err) ||
		errors.Is(err, policy.ErrTimeout) || errors.Is(err, policy.ErrRetriesExhausted) || errors.Is(err, policy.ErrCancelled)
}

// byCode understands the errors of databases by their codes.
func byCode(err error) (m meaning, known bool) {
	walk(err, func(err error) (found bool) {
		m, known = codeOf(err)
		return known
	})
	return m, known
}

func codeOf(err error) (m meaning, known bool) {
	if s, ok := err.(interface{ SafeToRetry() bool }); ok && s.SafeToRetry() {
		return meaning{undone: true}, false // nothing was sent
	}
	c, known := sqlerr.Of(err)
	return meaning{verdict: c.Verdict, undone: c.NoEffect, alone: c.Neutral, lost: c.Lost, full: c.Full, mode: c.ReadOnly}, known
}

// walk visits the errors in err's tree until one is found.
func walk(err error, visit func(error) bool) bool {
	if err == nil {
		return false
	}
	if visit(err) {
		return true
	}
	switch e := err.(type) { //nolint:errorlint // this is what unwraps
	case *replacedError:
		return walk(e.err, visit)
	case interface{ Unwrap() error }:
		return walk(e.Unwrap(), visit)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), func(err error) bool { return walk(err, visit) })
	}
	return false
}
