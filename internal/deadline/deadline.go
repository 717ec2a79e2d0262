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
	at     clock.Nanos
	real   atomic.Pointer[armed] // nil until somebody waits, or ended
}

type armed struct {
	context.Context
	cancel context.CancelFunc
}

// ended stands in for contexts that were cancelled before anybody waited.
var ended = func() *armed {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return &armed{ctx, cancel}
}()

// New returns a context that ends at the given reading of the clock. The caller
// has seen to it that the parent's own deadline is not nearer.
func New(parent context.Context, at clock.Nanos) *Context {
	return &Context{parent: parent, at: at}
}

// Parent returns the context that c was made from.
func (c *Context) Parent() context.Context { return c.parent }

// At returns the deadline as a reading of the clock.
func (c *Context) At() clock.Nanos { return c.at }

// Cancel ends the context now, if it has not ended yet.
func (c *Context) Cancel() {
	if c.real.CompareAndSwap(nil, ended) {
		return
	}
	c.real.Load().cancel()
}

// Deadline returns the deadline.
func (c *Context) Deadline() (time.Time, bool) { return c.at.Wall(), true }

// Done arms the deadline.
func (c *Context) Done() <-chan struct{} {
	if a := c.real.Load(); a != nil {
		return a.Done()
	}
	ctx, cancel := context.WithDeadline(c.parent, c.at.Time())
	a := &armed{ctx, cancel}
	if !c.real.CompareAndSwap(nil, a) {
		cancel() // another goroutine was first
		a = c.real.Load()
	}
	return a.Done()
}

// Err asks the clock as long as nobody waits.
func (c *Context) Err() error {
	if a := c.real.Load(); a != nil {
		return a.Err()
	}
	if err := c.parent.Err(); err != nil {
		return err
	}
	if clock.Now() >= c.at {
		return context.DeadlineExceeded
	}
	return nil
}

// Value returns the parent's. Once armed it goes through the real context,
// where the standard library finds it when it nests others below.
func (c *Context) Value(key any) any {
	if a := c.real.Load(); a != nil && a != ended {
		return a.Value(key)
	}
	return c.parent.Value(key)
}

// String is what fmt prints, as the standard library's contexts do; without it
// fmt would walk, unsynchronized, through what others are changing.
func (c *Context) String() string { return "clad.Deadline" }
