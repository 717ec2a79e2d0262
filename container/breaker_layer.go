package container

import (
	"errors"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/policy"
)

// The word of a breaker is the permit of the attempt at hand, until that is
// reported.

// enterBreaker asks a breaker that is not closed; at a closed one there is nothing
// to ask.
func (c *Call) enterBreaker(s *step) error {
	p, wait, ok := s.breaker.circuit.Admit(c.clock())
	if !ok {
		c.prog.counters.Count(countRejection)
		if c.verbose() {
			c.debug("rejected by circuit breaker", "breaker", s.breaker.name, "retry_after", wait)
		}
		return &policy.CircuitOpenError{Name: s.breaker.name, RetryAfter: wait, Operation: c.prog.operation}
	}
	*c.word(s.slot) = uint64(p)
	return nil
}

func (c *Call) report(s *step, o circuit.Outcome) {
	word := c.word(s.slot)
	held := circuit.Permit(*word)
	*word = uint64(circuit.NoPermit)
	if s.breaker.circuit.Report(held, o) {
		c.prog.counters.Count(countTrip)
	}
}

// judge says what an error means to a breaker: nothing where the dependency was
// not asked, or was left by the caller; that it works, where it answered.
func (c *Call) judge(err error) circuit.Outcome {
	switch c.verdict(err) {
	case policy.Answered:
		return circuit.Success
	case policy.Refused, tellsNothing:
		return circuit.Neutral
	case policy.Unknown, policy.Failed:
	}
	if errors.Is(err, policy.ErrCircuitOpen) || errors.Is(err, policy.ErrRateLimited) ||
		errors.Is(err, policy.ErrCancelled) || c.callerOver() != nil {
		return circuit.Neutral
	}
	return circuit.Failure
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
