package container

import (
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// retryStep is a retry with its defaults filled in.
type retryStep struct {
	maxAttempts int
	backoff     policy.Backoff
	maxElapsed  time.Duration
	retryIf     func(error) bool
}

func newRetryStep(p policy.Retry) *retryStep {
	p = p.WithDefaults()
	return &retryStep{p.MaxAttempts, p.Backoff, p.MaxElapsed, p.RetryIf}
}

// The words of a retry: how many attempts have ended, and when the first began.
const (
	retryAttempts = iota
	retryStart
	retryWords
)

// enterRetry begins a count of attempts; the first time, that is at zero anyway.
func (c *Call) enterRetry(s *step) {
	if s.retry.maxElapsed > 0 {
		c.clock()
	}
	*c.word(s.slot + retryAttempts), *c.word(s.slot + retryStart) = 0, uint64(c.now)
}

// exitRetry decides whether a failed attempt is followed by another.
func (c *Call) exitRetry(s *step, err error) (outcome error, again bool) {
	r := s.retry
	attempts := c.word(s.slot + retryAttempts)
	*attempts++
	if c.said == policy.Answered || c.said == policy.Refused ||
		r.maxAttempts == 1 || c.final || !r.retryIf(err) || c.ctx.Err() != nil || c.prog.once && c.reached {
		return err, false
	}
	n := int(*attempts)
	delay := r.backoff.Delay(n)
	if after, ok := policy.RetryAfter(err); ok {
		delay = max(delay, after)
	}
	if n >= r.maxAttempts || !c.fits(s, delay) {
		return &policy.RetriesExhaustedError{
			Attempts: n, Elapsed: c.elapsed(s), Err: err, Operation: c.prog.operation,
		}, false
	}
	if c.verbose() {
		c.debug("retrying", "attempt", n+1, "of", r.maxAttempts, "after", delay, "error", err)
	}
	c.late = true
	if c.letGo != nil {
		c.letGo()
		c.letGo, c.now = nil, 0
	}
	if delay > 0 {
		c.now = 0
		if sleep(c.ctx, delay) != nil {
			return err, false
		}
	}
	c.prog.counters.count(countRetry)
	return nil, true
}

// fits reports whether an attempt after delay would begin in time. It reads the
// clock only if there is a time to keep to.
func (c *Call) fits(s *step, delay time.Duration) bool {
	limit := s.retry.maxElapsed
	deadline, ends := c.ctx.Deadline()
	if delay <= 0 && limit <= 0 && !ends {
		return true
	}
	elapsed := c.elapsed(s)
	if limit > 0 && (elapsed > limit || delay > limit-elapsed) {
		return false
	}
	return !ends || delay < clock.At(deadline).Sub(c.clock())
}

// elapsed returns how long the call has taken, as far as it was timed: since its
// first attempt began, or since that ended if no clock was read before.
func (c *Call) elapsed(s *step) time.Duration {
	start := c.word(s.slot + retryStart)
	now := c.clock()
	if *start == 0 {
		*start = uint64(now)
	}
	return now.Sub(clock.Nanos(*start))
}
