package container

import (
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/deadline"
	"github.com/cladgo/clad/policy"
)

// How calls end, and what is told of it.

// conclude counts an operation that ended with an error, and tells an end that the
// caller has made of it from others. A caller that was there at the start, no time
// ago, is not asked again.
func (c *Call) conclude(err error) (outcome error, cancelled bool) {
	if c.prog.part {
		return err, false
	}
	if c.means.Verdict == policy.Answered {
		c.prog.counters.Count(countSuccess)
		c.prog.counters.Count(countAnswered)
		return err, false
	}
	c.prog.counters.Count(countFailure)
	if c.now != 0 && c.made == 0 && !c.late {
		return err, false
	}
	why := c.callerOver()
	if why == nil || c.means.Verdict == policy.Refused {
		return err, false
	}
	c.prog.counters.Count(countCancelled)
	return c.cancelled(why, err), true
}

// abandon ends a call that never came back, from an attempt or from what a policy
// asks of its user: it gives back what is held still. Where the caller has gone
// that is why; net/http's handlers panic when theirs does.
func (c *Call) abandon() {
	c.phase = over
	c.now, c.means = 0, verdict.Meaning{}
	outcome, cancelled := circuit.Failure, c.callerOver() != nil
	if cancelled {
		outcome = circuit.Neutral
	}
	if !c.prog.part {
		c.prog.counters.Count(countFailure)
		if cancelled {
			c.prog.counters.Count(countCancelled)
		}
	}
	for i := len(c.prog.steps) - 1; i >= 0; i-- {
		s := &c.prog.steps[i]
		switch s.kind {
		case breakerLayer:
			c.reportFailure(s, outcome, nil)
		case timeoutLayer:
			c.leaveTimeout(s)
		case bulkheadLayer:
			c.leaveBulkhead(s, true)
		case retryLayer, limiterLayer, errorsLayer, chaosLayer, staleLayer, hedgeLayer: // hold nothing that is to be given back here: a token was used
		}
	}
	if c.prog.observed {
		c.completed(Completed{Panicked: true, Cancelled: cancelled})
	}
}

// ownContext is the innermost context of the policy's timeouts, nil where none is
// nearer than the caller's own deadline.
func (c *Call) ownContext() *deadline.Context {
	own, _ := c.ctx.(*deadline.Context)
	if outer, ok := c.caller.(*deadline.Context); ok && own == outer {
		return nil // of a pipeline around this one, which looks after it
	}
	return own
}

// took is how long the attempt took that was just made, where that is timed.
func (c *Call) took() time.Duration {
	if c.began == 0 {
		return 0
	}
	return c.clock().Sub(c.began)
}

// completed tells those who asked how the call ended.
func (c *Call) completed(done Completed) {
	c.prog.counters.Count(countEnded)
	if r := c.rehearsal(); r != nil {
		r.safely(func() { r.completed(c, done) })
	} else if c.prog.shadow != nil { // its caller was gone before it began
		c.prog.shadow.counters.Count(countFailure)
		c.prog.shadow.counters.Count(countCancelled)
	}
	done.Operation, done.Attempts = c.prog.operation, int(c.made)
	if c.start != 0 { // it is 0 where the caller was gone before
		now := c.clock()
		done.Duration = now.Sub(c.start)
		if c.began != 0 {
			done.LastTook = now.Sub(c.began)
		}
	}
	c.prog.events.complete(c.caller, done)
}

// rejected tells of a layer that refused the attempt at hand.
func (c *Call) rejected(reason Reason, by string, wait time.Duration) {
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, Rejected{c.prog.operation, reason, by, wait})
	}
}
