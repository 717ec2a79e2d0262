package container

import (
	"errors"

	"github.com/cladgo/clad/policy"
)

// The word of a breaker is the permit of the attempt at hand, until that is
// reported.

// enterBreaker asks a breaker that is not closed; at a closed one there is nothing
// to ask.
func (c *Call) enterBreaker(s *step) error {
	p, wait, ok := s.breaker.admit(c.clock())
	if !ok {
		c.prog.counters.count(countRejection)
		if c.verbose() {
			c.debug("rejected by circuit breaker", "breaker", s.breaker.name, "retry_after", wait)
		}
		return &policy.CircuitOpenError{Name: s.breaker.name, RetryAfter: wait, Operation: c.prog.operation}
	}
	*c.word(s.slot) = uint64(p)
	return nil
}

func (c *Call) report(s *step, o outcome) {
	word := c.word(s.slot)
	held := permit(*word)
	*word = permitNone
	if s.breaker.report(held, o) {
		c.prog.counters.count(countTrip)
	}
}

// judge says what an error means to a breaker: nothing where the dependency was
// not asked, or was left by the caller; that it works, where it answered.
func (c *Call) judge(err error) outcome {
	switch c.verdict(err) {
	case policy.Answered:
		return success
	case policy.Refused:
		return neutral
	case policy.Unknown, policy.Failed:
	}
	if errors.Is(err, policy.ErrCircuitOpen) || errors.Is(err, policy.ErrRateLimited) ||
		errors.Is(err, policy.ErrCancelled) || c.callerOver() != nil {
		return neutral
	}
	return failure
}

// verdict is what the attempt's maker says of its error, or else the error itself.
func (c *Call) verdict(err error) policy.Verdict {
	switch {
	case c.said != policy.Unknown:
		return c.said
	case policy.IsAnswer(err):
		return policy.Answered
	case policy.IsPermanent(err):
		return policy.Refused
	}
	return policy.Unknown
}
