package container

import "github.com/cladgo/clad/policy"

// enterLimiter asks a limiter that may have no token.
func (c *Call) enterLimiter(s *step) error {
	l, now := s.limiter, c.clock()
	wait := l.bucket.Empty(now)
	if wait <= 0 {
		if l.bucket.Take(now) {
			return nil
		}
		var ok bool
		var err error
		wait, ok, err = l.bucket.Wait(c.ctx, now)
		c.now, c.late = 0, true
		if ok || err != nil {
			return err
		}
	}
	c.prog.counters.Count(countLimited)
	c.rejected(RateLimited, l.name, wait)
	return &policy.RateLimitedError{Name: l.name, RetryAfter: wait, Operation: c.prog.operation}
}
