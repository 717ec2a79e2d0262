// Package deadline has a context whose timer is armed only when somebody waits
// for it. Most callees never do: they ask Deadline or Err, or nothing at all,
// and for them a deadline costs one small allocation and no timer.
package deadline

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Context ends at its deadline, with its parent, or when it is cancelled,
// like one of context.WithDeadline. At the first Done it makes the standard
// library's own context and hands over to that, so waiting, nesting and
// context.AfterFunc behave as they always do. It is never pooled: a callee may
// keep it.
type Context struct {
	parent context.Context
	// at is the deadline as a clock.Nanos, negative once cancelled. It is atomic
	// but in New, where an atomic store would cost a third of an allocation; an
	// interface before it keeps it aligned on 32 bits too.
	at   int64
	real atomic.Pointer[armed] // nil until somebody waits
}

type armed struct {
	context.Context
	cancel context.CancelFunc
}

// closed is what a context that was cancelled before anybody waited has for Done.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// New returns a context that ends at the given reading of the clock. The caller
// has seen to it that the parent's own deadline is not nearer.
func New(parent context.Context, at clock.Nanos) *Context {
	return &Context{parent: parent, at: int64(at)}
}

// Parent returns the context that c was made from.
func (c *Context) Parent() context.Context { return c.parent }

// At returns the deadline as a reading of the clock.
func (c *Context) At() clock.Nanos {
	at := atomic.LoadInt64(&c.at)
	return clock.Nanos(max(at, -at))
}

// Cancel ends the context now, if it has not ended yet.
func (c *Context) Cancel() {
	// Cancel writes at and then reads real, Done writes real and then reads
	// at: whichever comes second sees the other.
	atomic.StoreInt64(&c.at, -int64(c.At()))
	if a := c.real.Load(); a != nil {
		a.cancel()
	}
}

// Deadline returns the deadline.
func (c *Context) Deadline() (time.Time, bool) { return c.At().Wall(), true }

// Done arms the deadline.
func (c *Context) Done() <-chan struct{} {
	if a := c.real.Load(); a != nil {
		return a.Done()
	}
	if atomic.LoadInt64(&c.at) < 0 {
		return closed
	}
	ctx, cancel := context.WithDeadline(c.parent, c.At().Time())
	a := &armed{ctx, cancel}
	if !c.real.CompareAndSwap(nil, a) {
		cancel() // another goroutine was first
		a = c.real.Load()
	}
	if atomic.LoadInt64(&c.at) < 0 {
		a.cancel()
	}
	return a.Done()
}

// Err asks the clock, as long as nobody waits.
func (c *Context) Err() error {
	if a := c.real.Load(); a != nil {
		return a.Err()
	}
	if atomic.LoadInt64(&c.at) < 0 {
		return context.Canceled
	}
	if c.parent.Err() == nil && clock.Now() < c.At() {
		return nil
	}
	c.Done() // what is said once must stay so, and the real context sees to that
	return c.Err()
}

// Value returns the parent's. Once armed it goes through the real context,
// where the standard library finds it when it nests others below.
func (c *Context) Value(key any) any {
	if a := c.real.Load(); a != nil {
		return a.Value(key)
	}
	return c.parent.Value(key)
}

// String is what fmt prints, as the standard library's contexts do; without it
// fmt would walk, unsynchronized, through what others are changing.
func (c *Context) String() string { return "clad.Deadline" }
