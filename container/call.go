package container

import (
	"context"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/deadline"
	"github.com/cladgo/clad/policy"
)

// Call is one operation on its way through a [Pipeline]. It lives on the stack
// of the function that began it, belongs to its goroutine, and is used so:
//
//	call := pipeline.Begin(ctx)
//	defer call.End()
//	for call.Next(&err) {
//		result, err = next.Method(call.Context(), argument)
//	}
//	return result, err
type Call struct {
	ctx           context.Context // of the layer that the call has reached
	prog          *program
	caller        context.Context
	now           clock.Nanos // the clock as last read, 0 when time has passed since
	start         clock.Nanos // of the call, where it is timed
	began         clock.Nanos // when the attempt at hand did, 0 if the clock was not read then
	made          uint32      // attempts
	phase         phase
	kept          bool            // the contexts outlive the call
	unsent        bool            // a layer refused the attempt at hand
	late          bool            // time has passed since the call began: it has waited, or tries again
	waited        bool            // the attempt at hand has, for a token or a permit
	timesAttempts bool            // when attempts begin must be known
	final         bool            // there is to be no further attempt
	deferred      bool            // it goes on in a Pending
	alone         bool            // it must not be hedged
	permits       uint8           // of bulkheads, one bit each
	slowed        bool            // chaos has begun the attempt at hand
	effect        bool            // an attempt that failed may have had its effect
	means         verdict.Meaning // of the attempt's error
	words         [inlineWords]uint64
	ctxs          [inlineContexts]*deadline.Context
	more          *memory // what few calls need
}

// phase counts the calls of Next where there is no policy to say that the call is
// over; it is wide enough never to come round.
type phase uint32

const (
	begun    phase = iota
	underWay       // since the first Next
	over
	fallenBack // its fallback is being asked
)

// Context is the context for this attempt: the caller's, with the deadlines of
// the policy's timeouts.
func (c *Call) Context() context.Context { return c.ctx }

// Next reports whether to make an attempt now. Before the first one it admits
// the call; then *err says how the last attempt went, and Next backs off and
// returns true for another, or returns false with the operation's outcome in
// *err.
func (c *Call) Next(err *error) bool {
	if c.prog == nil {
		c.phase++
		return c.phase == underWay
	}
	return c.next(err)
}

// Judge says what the error of the attempt that was just made means, where that
// is known better than the error itself can say. It is called before Next.
func (c *Call) Judge(v policy.Verdict) { c.means.Verdict = v }

// Neutral says that the attempt that was just made tells circuit breakers
// nothing, whether it succeeded or failed: it was the cheap first half of
// something (a connection, a prepared statement), whose success must not hide
// that the second half fails; or it met what says nothing of the dependency as a
// whole (a deadlock). A failure is retried as ever. It is called before Next.
func (c *Call) Neutral() { c.means.Neutral = true }

// Stop says that there is to be no further attempt, whatever the policy: what
// the attempt was given is used up, or it may have had an effect that must not
// be had twice. It is called before Next.
func (c *Call) Stop() { c.final = true }

// BeforeRetry has release called once it is certain that another attempt follows
// the one that was just made, and before the wait for it: what a failed attempt
// still holds, a connection perhaps, is not to be held for a back-off. It is
// called before Next.
func (c *Call) BeforeRetry(release func()) {
	if c.prog != nil {
		c.memory().beforeRetry = release
	}
}

// End must be deferred: it notices a panic or runtime.Goexit in an attempt, or in
// a function of the policy, which counts as a failure, and gives back what the call
// held. What panicked goes on unchanged.
func (c *Call) End() {
	if (c.phase == underWay || c.phase == fallenBack) && c.prog != nil {
		c.abandon()
	}
}

// Detach keeps the context of the attempt alive beyond the call, for a result
// that is still in use after it: a response body, a stream. The caller of
// release ends it; until then only the policy's timeouts and the caller's own
// context do. The permits of bulkheads are not kept: see [Call.Defer] for that. Detach is called after an attempt that is to be the last, before
// Next; where another follows all the same, the context ends then, and release
// must not be called.
func (c *Call) Detach() (release func()) {
	if c.prog == nil || c.prog.contexts == 0 {
		return func() {}
	}
	c.kept = true
	var held []*deadline.Context
	for _, s := range c.prog.steps {
		if s.kind == timeoutLayer {
			if ctx := *c.context(s.slot); ctx != nil {
				held = append(held, ctx)
			}
		}
	}
	return func() {
		for _, ctx := range held {
			ctx.Cancel()
		}
	}
}

// release ends the contexts from step i on that were kept for an attempt that
// failed, as another follows.
func (c *Call) release(i int) {
	c.kept = false
	for _, s := range c.prog.steps[i:] {
		if s.kind == timeoutLayer {
			if slot := c.context(s.slot); *slot != nil {
				(*slot).Cancel()
				*slot = nil
			}
		}
	}
}

func (c *Call) next(errp *error) bool {
	switch c.phase {
	case begun:
		c.phase = underWay
		if c.ctx == nil {
			c.ctx = context.Background() // callees that do not look at it may be called so
		}
		if c.prog.byContext {
			c.prog = c.prog.partitioned.program(c, "")
		}
		if c.prog.observed {
			c.prog.counters.Count(countBegun)
			for _, begin := range c.prog.events.begin {
				c.ctx = begin(c.ctx, c.prog.operation)
			}
		}
		c.caller = c.ctx
		if err := c.ctx.Err(); err != nil { // over before it began
			return c.advance(-1, err, errp)
		}
		if c.prog.large {
			more := c.memory()
			more.words = make([]uint64, max(0, c.prog.words-inlineWords))
			more.ctxs = make([]*deadline.Context, max(0, c.prog.contexts-inlineContexts))
		}
		if c.prog.observed {
			c.start, c.timesAttempts = c.clock(), true
			if c.prog.shadow != nil {
				c.rehearse()
			}
		} else if c.prog.contexts > 0 || c.prog.adapts {
			c.timesAttempts = true // it reads the clock anyway, and attempts may overrun
		} else if c.prog.breaks {
			_, c.timesAttempts = c.ctx.Deadline() // breakers judge what that ends
		}
		i, err := c.enter(0)
		if err != nil {
			return c.advance(i-1, c.noteRefusal(err), errp)
		}
		return c.attempt(errp)
	case underWay:
		c.now = 0
		if *errp == nil {
			c.means.Neutral = c.means.Neutral || c.old() != nil // from within a hedge
			c.succeed()
			return false
		}
		if c.more != nil && c.more.hedged != nil {
			return c.afterHedge(errp)
		}
		c.weigh(*errp)
		if r := c.rehearsal(); r != nil {
			r.safely(func() { r.ended(c, *errp) })
		}
		c.effect = c.effect || !c.means.NoEffect
		if own := c.ownContext(); own != nil {
			c.checkOverrun(own)
		}
		if e := c.prog.events; e.wanted(c.ctx) {
			e.tell(c.ctx, AttemptFailed{c.prog.operation, int(c.made), c.means.Verdict, *errp, c.took()})
			c.now = 0
		}
		return c.advance(len(c.prog.steps)-1, *errp, errp)
	case fallenBack:
		c.endFallback(errp)
	case over:
	}
	return false
}

// succeed ends a call whose attempt succeeded.
func (c *Call) succeed() {
	c.phase = over
	if sampled(c.began) && !c.kept {
		if own := c.ownContext(); own != nil {
			c.checkOverrun(own)
		}
	}
	for _, s := range c.prog.leaving {
		if s.kind == timeoutLayer {
			if own := *c.context(s.slot); own != nil && !c.kept {
				own.Cancel()
			}
			c.ctx = c.caller
		} else if s.kind == bulkheadLayer {
			c.leaveBulkhead(s, false)
		} else if c.means.Neutral {
			c.report(s, circuit.Neutral)
		} else if !s.breaker().circuit.Ignores(circuit.Permit(*c.word(s.slot))) {
			c.report(s, circuit.Success)
		}
	}
	if c.prog.part {
		return
	}
	c.prog.counters.Count(countSuccess)
	if c.prog.observed {
		c.completed(Completed{Stale: c.old() != nil})
	}
}

// advance goes back from step i with a failure, to the caller or, where a retry
// turns it round, to the dependency again.
func (c *Call) advance(i int, err error, errp *error) bool {
	for i >= 0 {
		var again bool
		if err, again = c.exit(&c.prog.steps[i], err); !again {
			if err == nil {
				c.succeed()
				*errp = nil
				return false
			}
			i--
			continue
		}
		c.means, c.unsent, c.waited = verdict.Meaning{}, false, false
		if c.kept {
			c.release(i + 1)
		}
		if r := c.rehearsal(); r != nil {
			r.safely(func() { r.again(c.clock()) })
		}
		if i, err = c.enter(i + 1); err == nil {
			return c.attempt(errp)
		}
		err = c.noteRefusal(err)
		i-- // that step was not entered: back from the one around it
	}
	if f := c.prog.fallback; f != nil && c.fallBack(f, err) {
		return true
	}
	c.phase = over
	outcome, cancelled := c.conclude(err)
	*errp = outcome
	if c.prog.observed {
		c.completed(Completed{Err: outcome, Verdict: c.means.Verdict, Cancelled: cancelled})
	}
	return false
}

// enter passes the steps from i on, on the way to the dependency. With an error it
// returns the one that is not to be passed. What is common is done here: a closed
// breaker, a limiter with tokens to spare, a retry with nothing to note.
func (c *Call) enter(i int) (int, error) {
	steps := c.prog.steps
	for ; i < len(steps); i++ {
		s := &steps[i]
		var err error
		switch s.kind {
		case retryLayer:
			if c.late || c.now != 0 || s.retry().maxElapsed > 0 {
				c.enterRetry(s)
			}
		case breakerLayer:
			if p, ok := s.breaker().circuit.Closed(); ok {
				*c.word(s.slot) = uint64(p)
				continue
			}
			err = c.enterBreaker(s)
		case limiterLayer:
			if b := &s.limiter().bucket; b.TakeLent() || b.TakeCredit(c.clock()) {
				continue
			}
			err = c.enterLimiter(s)
		case bulkheadLayer:
			if s.bulkhead().permits.TakeSpare() {
				c.permits |= s.permit
				continue
			}
			err = c.enterBulkhead(s)
		case timeoutLayer:
			c.enterTimeout(s)
		case chaosLayer:
			err = c.enterChaos(s)
		case errorsLayer, staleLayer, hedgeLayer: // are for the way back, or for the attempt
		}
		if err != nil {
			return i, err
		}
	}
	if c.timesAttempts {
		c.clock()
	}
	if c.slowed { // by chaos, as it would by the dependency
		c.slowed = false
		return i, nil
	}
	c.began = c.now
	return i, nil
}

// exit passes a step on the way back with a failure, and returns the outcome from
// here on, or that the way leads to the dependency once more.
func (c *Call) exit(s *step, err error) (outcome error, again bool) {
	switch s.kind {
	case retryLayer:
		return c.exitRetry(s, err)
	case breakerLayer:
		c.reportFailure(s, c.judge(s, err), err)
	case timeoutLayer:
		return c.exitTimeout(s, err), false
	case errorsLayer:
		c.exitErrors(s, err)
	case staleLayer:
		if c.serveStale(s, err) {
			return nil, false
		}
	case chaosLayer: // it has struck, or not
	case bulkheadLayer:
		c.leaveBulkhead(s, true)
	case hedgeLayer: // its attempts have told the layers within
	case limiterLayer:
		if c.unsent { // further in: nobody was asked
			c.giveBack(s)
		}
	}
	return err, false
}

// clock reads the clock, once for all steps until time may have passed.
func (c *Call) clock() clock.Nanos {
	if c.now == 0 {
		c.now = clock.Now()
	}
	return c.now
}
