package container

import (
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/deadline"
	"github.com/cladgo/clad/policy"
)

// enterTimeout gives what stands inside a context with a deadline, unless the
// deadline that is there already is nearer: then that one stands.
func (c *Call) enterTimeout(s *step) {
	at := c.clock().Add(s.timeout)
	if outer, ok := c.ctx.(*deadline.Context); ok {
		if outer.At() <= at {
			return
		}
	} else if d, ok := c.ctx.Deadline(); ok && clock.At(d) <= at {
		return
	}
	own := deadline.New(c.ctx, at)
	*c.context(s.slot) = own
	c.ctx = own
}

// exitTimeout takes the deadline off again. What failed after it had passed
// timed out, whatever the dependency called it; but an answer is an answer, and
// the caller's own end is not ours.
func (c *Call) exitTimeout(s *step, err error) error {
	own := c.leaveTimeout(s)
	if own == nil || c.clock() < own.At() {
		return err
	}
	if v := c.means.Verdict; v == policy.Answered || v == policy.Refused || c.callerOver() != nil {
		return err
	}
	c.means.Verdict, c.means.Final = policy.Failed, false
	c.prog.counters.Count(countTimeout)
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, TimedOut{c.prog.operation, s.timeout, err})
	}
	return &policy.TimeoutError{After: s.timeout, Err: asFailure(err), Operation: c.prog.operation}
}

func (c *Call) leaveTimeout(s *step) *deadline.Context {
	slot := c.context(s.slot)
	own := *slot
	if own == nil {
		return nil
	}
	c.ctx = own.Parent()
	if !c.kept {
		*slot = nil
		own.Cancel()
	}
	return own
}
