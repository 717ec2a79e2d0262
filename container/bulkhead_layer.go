package container

import (
	"context"
	"sync/atomic"

	"github.com/cladgo/clad/policy"
)

// A call notes the bulkheads whose permit it holds in one bit each, which stands
// in the step: most calls would need one word more for it than they have.
const maxBulkheads = 8

// enterBulkhead asks a bulkhead that has no permits to spare.
func (c *Call) enterBulkhead(s *step) error {
	b, now := s.bulkhead, c.clock()
	sheddable := policy.CriticalityOf(c.ctx) == policy.Sheddable
	if b.permits.Take(sheddable) {
		c.permits |= s.permit
		return nil
	}
	if b.Limit().MaxWait > 0 {
		ok, err := b.permits.Wait(c.ctx, now, c.latest(s), sheddable)
		if ok {
			c.permits |= s.permit
		}
		c.now, c.late = 0, true
		if ok || err != nil {
			if e := c.prog.events; e.wanted(c.ctx) {
				e.tell(c.ctx, Waited{c.prog.operation, b.Name(), c.clock().Sub(now), BulkheadFull})
				c.now = 0
			}
			return err
		}
	}
	wait := b.permits.Refuse(c.clock())
	c.prog.counters.Count(countFull)
	c.rejected(BulkheadFull, b.Name(), wait)
	return &policy.BulkheadFullError{Name: b.Name(), RetryAfter: wait, Operation: c.prog.operation}
}

// leaveBulkhead gives the permit back, if the call has it.
func (c *Call) leaveBulkhead(s *step) {
	if c.permits&s.permit != 0 {
		c.permits &^= s.permit
		s.bulkhead.permits.Release()
	}
}

// lease is the permits that a result holds that is in use after its call. It ends
// when the result does, or its context: who never closes a body must not shut the
// others out for good.
type lease struct {
	held  []*Bulkhead // innermost first
	ended atomic.Bool
	stop  func() bool
}

// leasePermits leaves the permits that the call holds to a lease; it is nil where
// there are none.
func (c *Call) leasePermits() *lease {
	if c.permits == 0 {
		return nil
	}
	l := &lease{}
	for _, s := range c.prog.leaving {
		if s.kind == bulkheadLayer && c.permits&s.permit != 0 {
			l.held = append(l.held, s.bulkhead)
		}
	}
	c.permits = 0
	l.stop = context.AfterFunc(c.ctx, l.giveBack)
	return l
}

// end ends a lease, which may be nil.
func (l *lease) end() {
	if l != nil {
		l.stop()
		l.giveBack()
	}
}

func (l *lease) giveBack() {
	if l.ended.CompareAndSwap(false, true) {
		for _, b := range l.held {
			b.permits.Release()
		}
	}
}
