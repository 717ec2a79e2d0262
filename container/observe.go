package container

import (
	"context"
	"slices"
	"sync"

	"github.com/cladgo/clad/policy"
)

// Observer is somebody who comes to look at an orchestrator that is there already,
// as a console does. Any of its functions may be nil.
type Observer struct {
	// Event is told of events, as by [OnEvent].
	Event func(context.Context, Event)
	// Completed is told how operations ended, as by [OnCompleted]; of those that
	// begin from now on.
	Completed func(context.Context, Completed)
	// Closed is called once, by [Orchestrator.Close]; at once where that has been
	// called. Both of the others may still be called by calls under way.
	Closed func()
}

// Observe has somebody observe from now on, until the orchestrator is closed. Who is
// known when the orchestrator is made is better given as an option.
func (o *Orchestrator) Observe(by Observer) {
	timed := o.events.observed()
	o.events.add(by.Event, by.Completed)
	if by.Completed != nil && !timed {
		// Programs know whether to time calls: what is in force is compiled anew.
		if err := o.transact(func(tx *transaction) error { return tx.reload(tx.catalog) }); err != nil {
			o.log.Error("calls are not timed", "error", err)
		}
	}
	if by.Closed != nil && !o.closing.add(by.Closed) {
		by.Closed()
	}
}

// Catalog returns what is in force: what the orchestrator was made of, or last
// reloaded with. The maps are the caller's own.
func (o *Orchestrator) Catalog() policy.Catalog {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return copyOf(o.catalog)
}

// closing is what is to be done at the end.
type closing struct {
	mu   sync.Mutex
	todo []func()
	over bool
}

// add reports whether the end is still to come.
func (c *closing) add(do func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.todo = append(c.todo, do)
	}
	return !c.over
}

// end does it all, the last first, and reports whether this was the end.
func (c *closing) end() bool {
	c.mu.Lock()
	todo, was := c.todo, c.over
	c.todo, c.over = nil, true
	c.mu.Unlock()
	for _, do := range slices.Backward(todo) {
		do()
	}
	return !was
}
