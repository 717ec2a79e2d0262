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
	b, now := s.bulkhead(), c.clock()
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
		c.now, c.late, c.waited = 0, true, true
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
	if sheddable {
		c.prog.counters.Count(countShed)
	}
	c.rejected(BulkheadFull, b.Name(), wait)
	return &policy.BulkheadFullError{Name: b.Name(), RetryAfter: wait, Operation: c.prog.operation}
}

// leaveBulkhead gives the permit back, if the call has it.
func (c *Call) leaveBulkhead(s *step, failed bool) {
	if c.permits&s.permit != 0 {
		c.observe(s, failed)
		c.permits &^= s.permit
		s.bulkhead().permits.Release()
	}
}

// heldPermits are the permits of a result that is in use after its call. They are
// given back when that ends, or its context: who never closes a body must not shut
// the others out for good.
type heldPermits struct {
	of    []*Bulkhead // innermost first
	ended atomic.Bool
	stop  func() bool
}

// keepPermits takes the permits from the call that it holds; it returns nil where
// there are none.
func (c *Call) keepPermits() *heldPermits {
	if c.permits == 0 {
		return nil
	}
	h := &heldPermits{}
	for _, s := range c.prog.leaving {
		if s.kind == bulkheadLayer && c.permits&s.permit != 0 {
			c.observe(s, false) // it has opened
			h.of = append(h.of, s.bulkhead())
		}
	}
	c.permits = 0
	h.stop = context.AfterFunc(c.ctx, h.giveBack)
	return h
}

// end gives back what is held, if anything is.
func (h *heldPermits) end() {
	if h != nil {
		h.stop()
		h.giveBack()
	}
}

func (h *heldPermits) giveBack() {
	if h.ended.CompareAndSwap(false, true) {
		for _, b := range h.of {
			b.permits.Release()
		}
	}
}
