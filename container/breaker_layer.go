package container

import (
	"context"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/refusal"
	"github.com/cladgo/clad/policy"
)

// The word of a breaker is the permit of the attempt at hand, until that is
// reported.

// enterBreaker asks a breaker that is not closed, or times its calls; else there is
// nothing to ask.
func (c *Call) enterBreaker(s *step) error {
	if s.breaker().circuit.Overdue(c.clock()) {
		c.tripped(s, circuit.TooSlow, nil)
	}
	p, wait, ok := s.breaker().circuit.Admit(c.clock(), s.breaker().probeTime(s.timeout))
	if f := s.breaker().fleet.Load(); f != nil && ok && p.IsProbe() {
		var err error
		if wait, ok, err = f.admit(c.ctx, p, c.clock()); !ok {
			s.breaker().circuit.Report(p, circuit.Neutral)
		}
		c.now = 0
		if err != nil {
			return err
		}
	}
	if !ok {
		c.prog.counters.Count(countRejection)
		c.rejected(CircuitOpen, s.breaker().Name(), wait)
		return &policy.CircuitOpenError{Name: s.breaker().Name(), RetryAfter: wait, Operation: c.prog.operation}
	}
	*c.word(s.slot) = uint64(p)
	c.timesAttempts = c.timesAttempts || p.IsProbe()
	return nil
}

func (c *Call) report(s *step, o circuit.Outcome) { c.reportFailure(s, o, nil) }

// reportFailure tells a breaker how the attempt ended, and listeners what became of
// the breaker.
func (c *Call) reportFailure(s *step, o circuit.Outcome, err error) {
	word := c.word(s.slot)
	held := circuit.Permit(*word)
	*word = uint64(circuit.NoPermit)
	if f := s.breaker().fleet.Load(); f != nil && held.IsProbe() {
		defer f.probed(held, o)
	}
	if trip := s.breaker().circuit.Report(held, o); trip != circuit.NoTrip {
		c.tripped(s, trip, err)
	} else if e := c.prog.events; held.IsProbe() && e.wanted(c.ctx) {
		e.tell(c.ctx, Probed{c.prog.operation, s.breaker().Name(), s.breaker().State()})
		c.now = 0
	}
}

// tripped counts and tells that the call has opened a breaker.
func (c *Call) tripped(s *step, by circuit.Trip, err error) {
	c.prog.counters.Count(countTrip)
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, Tripped{c.prog.operation, s.breaker().Name(), err, by == circuit.TooSlow})
		c.now = 0
	}
}

// judge says what an error means to a breaker: nothing where the dependency was
// not asked, or was left by the caller too soon to tell; that it works, where it
// answered.
func (c *Call) judge(s *step, err error) circuit.Outcome {
	if c.unsent {
		return circuit.Neutral
	}
	return c.judgeBy(s.breaker(), circuit.Permit(*c.word(s.slot)), c.means, err)
}

// judgeBy is judge for an attempt that was made, with what is known of its error.
func (c *Call) judgeBy(b *CircuitBreaker, held circuit.Permit, means verdict.Meaning, err error) circuit.Outcome {
	if means.Neutral {
		return circuit.Neutral
	}
	switch means.Verdict {
	case policy.Answered:
		return circuit.Success
	case policy.Refused:
		return circuit.Neutral
	case policy.Unknown, policy.Failed:
	}
	if why := c.callerOver(); why != nil {
		return c.left(b, held, why)
	}
	// What an inner pipeline refused says nothing of the dependency either.
	if means.Verdict == policy.Unknown && refusal.Is(err) {
		return circuit.Neutral
	}
	return circuit.Failure
}

// left says what an attempt means to a breaker that its caller's own end has
// ended: where that was a deadline, that the dependency was too slow, if it had
// time enough. A probe needs an outcome: it may not take longer than that
// either way, or it would be repeated for ever at a dependency that hangs. One that a
// hedge has overtaken says nothing: the other says it.
func (c *Call) left(b *CircuitBreaker, held circuit.Permit, why error) circuit.Outcome {
	probe := held.IsProbe() && !c.prog.part
	if why != context.DeadlineExceeded && !probe { //nolint:errorlint // it is what a context says
		return circuit.Abandoned
	}
	if c.began == 0 || c.clock().Sub(c.began) < b.patience() {
		return circuit.Abandoned
	}
	return circuit.Failure
}
