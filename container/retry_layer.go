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

func (c *Call) enterRetry(s *step) {
	*c.word(s.slot + retryAttempts) = 0
	if s.retry.maxElapsed > 0 {
		c.clock()
	}
	*c.word(s.slot + retryStart) = uint64(c.now)
}

// exitRetry decides whether a failed attempt is followed by another.
func (c *Call) exitRetry(s *step, err error) (outcome error, again bool) {
	r := s.retry
	attempts, start := c.word(s.slot+retryAttempts), c.word(s.slot+retryStart)
	*attempts++
	if *start == 0 {
		*start = uint64(c.clock())
	}
	if r.maxAttempts == 1 || !r.retryIf(err) || c.ctx.Err() != nil || c.prog.once && c.reached {
		return err, false
	}
	n := int(*attempts)
	delay := r.backoff.Delay(n)
	if after, ok := policy.RetryAfter(err); ok {
		delay = max(delay, after)
	}
	now := c.clock()
	elapsed := now.Sub(clock.Nanos(*start))
	if n >= r.maxAttempts || !c.fits(r, now, elapsed, delay) {
		return &policy.RetriesExhaustedError{
			Attempts: n, Elapsed: elapsed, Err: err, Operation: c.prog.operation,
		}, false
	}
	if c.verbose() {
		c.debug("retrying", "attempt", n+1, "of", r.maxAttempts, "after", delay, "error", err)
	}
	if sleep(c.ctx, delay) != nil {
		return err, false
	}
	c.now = 0
	c.prog.counters.retries.Add(1)
	return nil, true
}

// fits reports whether an attempt after delay would begin in time.
func (c *Call) fits(r *retryStep, now clock.Nanos, elapsed, delay time.Duration) bool {
	if r.maxElapsed > 0 && (elapsed > r.maxElapsed || delay > r.maxElapsed-elapsed) {
		return false
	}
	deadline, ok := c.ctx.Deadline()
	return !ok || delay < clock.At(deadline).Sub(now)
}
