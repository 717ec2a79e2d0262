package container

import (
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// enterLimiter asks a limiter that may have no token.
func (c *Call) enterLimiter(s *step) error {
	l, now := s.limiter(), c.clock()
	if l.spec.load().Reserve > 0 && policy.CriticalityOf(c.ctx) == policy.Sheddable {
		if wait, ok := l.bucket.TakeUnreserved(now); !ok {
			return c.limited(l, wait)
		}
		return nil
	}
	tokens := l.tokens()
	wait := tokens.Empty(now)
	if wait <= 0 {
		if tokens.Take(now) {
			return nil
		}
		var ok bool
		var err error
		wait, ok, err = tokens.Wait(c.ctx, now, c.latest(s))
		c.now, c.late, c.waited = 0, true, true
		if ok || err != nil {
			if e := c.prog.events; e.wanted(c.ctx) {
				e.tell(c.ctx, Waited{c.prog.operation, l.Name(), c.clock().Sub(now), RateLimited})
				c.now = 0
			}
			return err
		}
	}
	return c.limited(l, wait)
}

func (c *Call) limited(l *RateLimiter, wait time.Duration) error {
	c.prog.counters.Count(countLimited)
	if policy.CriticalityOf(c.ctx) == policy.Sheddable {
		c.prog.counters.Count(countShed)
	}
	c.rejected(RateLimited, l.Name(), wait)
	return &policy.RateLimitedError{Name: l.Name(), RetryAfter: wait, Operation: c.prog.operation}
}

// giveBack returns the token of an attempt that a layer further in refused. It was
// taken just now, unless the attempt has waited since.
func (c *Call) giveBack(s *step) {
	taken := c.clock()
	if c.waited {
		taken = 0
	}
	s.limiter().tokens().GiveBack(taken)
}

// latest is when an attempt must have begun that is about to pass s: the retries
// around it make no more after their MaxElapsed.
func (c *Call) latest(s *step) clock.Nanos {
	latest := bucket.Forever
	for i := range c.prog.steps {
		outer := &c.prog.steps[i]
		if outer == s {
			break
		}
		if outer.kind == retryLayer && outer.retry().maxElapsed > 0 {
			start := clock.Nanos(*c.word(outer.slot + retryStart))
			latest = min(latest, start.Add(outer.retry().maxElapsed))
		}
	}
	return latest
}
