package container

import "github.com/cladgo/clad/policy"

// enterLimiter asks a limiter that may have no token.
func (c *Call) enterLimiter(s *step) error {
	if s.limiter.take(c.clock()) {
		return nil
	}
	wait, ok, err := s.limiter.wait(c.ctx, c.clock())
	c.now = 0
	if ok || err != nil {
		return err
	}
	c.prog.counters.limited.inc()
	if c.verbose() {
		c.debug("rejected by rate limiter", "limiter", s.limiter.name, "retry_after", wait)
	}
	return &policy.RateLimitedError{Name: s.limiter.name, RetryAfter: wait, Operation: c.prog.operation}
}
