package console

import (
	"sync"
	"time"

	"github.com/cladgo/clad/internal/printable"
)

// DefaultFor is how long a control stays in force that does not say.
const DefaultFor = 10 * time.Minute

// controls are those in force, with their ends.
type controls struct {
	log *eventLog

	turn sync.Mutex // held while something is carried out, of which listeners hear

	mu   sync.Mutex       // guards what follows
	all  map[any]*inForce // by *container.CircuitBreaker or *container.RateLimiter
	over bool
}

type inForce struct {
	Control
	end *time.Timer // nil without an end
}

// of returns the control of a breaker or limiter, nil if there is none.
func (c *controls) of(resource any) *Control {
	c.mu.Lock()
	defer c.mu.Unlock()
	if held := c.all[resource]; held != nil {
		control := held.Control
		return &control
	}
	return nil
}

// command is what somebody wants done.
type command struct {
	resource any
	name     string // of the resource
	by       string
	reason   string
	does     string // for the log: "forced open"
	apply    func()
	undo     func()        // nil if it is nothing that lasts
	lasts    time.Duration // 0: until somebody ends it
	still    func() bool   // whether nobody did something else since
}

// carry carries a command out, in place of the control that was in force.
func (c *controls) carry(cmd command) {
	c.turn.Lock()
	defer c.turn.Unlock()
	text := cmd.does
	var held *inForce
	if cmd.undo != nil {
		held = &inForce{Control: Control{By: cmd.by, Reason: cmd.reason, Since: time.Now()}}
		if cmd.lasts > 0 {
			held.Until = held.Since.Add(cmd.lasts)
			text += " for " + printable.Duration(cmd.lasts)
		} else {
			text += " until somebody ends it"
		}
	}
	c.put(cmd, held)
	cmd.apply()
	c.log.control(cmd.name, cmd.by, text+": "+cmd.reason)
}

// put notes what is in force; nil is nothing.
func (c *controls) put(cmd command, held *inForce) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before := c.all[cmd.resource]; before != nil && before.end != nil {
		before.end.Stop()
	}
	delete(c.all, cmd.resource)
	if held == nil || c.over {
		return
	}
	if cmd.lasts > 0 {
		held.end = time.AfterFunc(cmd.lasts, func() { c.expire(cmd, held) })
	}
	if c.all == nil {
		c.all = make(map[any]*inForce)
	}
	c.all[cmd.resource] = held
}

// expire ends a control at its deadline, unless another has come in its place or
// the application's own code has done something else since.
func (c *controls) expire(cmd command, held *inForce) {
	c.turn.Lock()
	defer c.turn.Unlock()
	if !c.drop(cmd.resource, held) || !cmd.still() {
		return
	}
	cmd.undo()
	c.log.control(cmd.name, held.By, "automatic again, after "+printable.Duration(cmd.lasts))
}

// drop reports whether a control was still the one in force.
func (c *controls) drop(resource any, held *inForce) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all[resource] != held {
		return false
	}
	delete(c.all, resource)
	return true
}

// close lets go of the timers: pipelines go on working, as they are.
func (c *controls) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	for _, held := range c.all {
		if held.end != nil {
			held.end.Stop()
		}
	}
	c.all = nil
}
