package container

import "github.com/cladgo/clad/policy"

// enterLimiter asks a limiter that may have no token.
func (c *Call) enterLimiter(s *step) error {
	l, now := s.limiter, c.clock()
	wait := l.dry(now)
	if wait <= 0 {
		if l.take(now) {
			return nil
		}
		var ok bool
		var err error
		wait, ok, err = l.wait(c.ctx, now)
		c.now, c.late = 0, true
		if ok || err != nil {
			return err
		}
	}
	c.prog.counters.count(countLimited)
	c.rejected(RateLimited, l.name, wait)
	return &policy.RateLimitedError{Name: l.name, RetryAfter: wait, Operation: c.prog.operation}
}
