package container

import (
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/budget"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// retryStep is a retry with its defaults filled in.
type retryStep struct {
	maxAttempts int
	backoff     policy.Backoff
	maxElapsed  time.Duration
	maxWait     time.Duration
	retryIf     func(error) bool
	foreign     bool // it asks functions of the user
	share       float64
	budget      *budget.Budget // nil where there is none
	dependency  string         // whose that is
}

func newRetryStep(p policy.Retry) *retryStep {
	foreign := p.RetryIf != nil
	p = p.WithDefaults()
	switch p.Backoff.(type) {
	case policy.Fixed, policy.Linear, policy.Exponential:
	default:
		foreign = true
	}
	return &retryStep{
		maxAttempts: p.MaxAttempts, backoff: p.Backoff, maxElapsed: p.MaxElapsed, maxWait: p.MaxWait, retryIf: p.RetryIf,
		foreign: foreign, share: p.Budget,
	}
}

// The words of a retry: how many attempts have ended, and when the first began.
const (
	retryAttempts = iota
	retryStart
	retryWords
)

// enterRetry begins a count of attempts; the first time, that is at zero anyway.
func (c *Call) enterRetry(s *step) {
	if s.retry().maxElapsed > 0 {
		c.clock()
	}
	*c.word(s.slot + retryAttempts), *c.word(s.slot + retryStart) = 0, uint64(c.now)
}

// exitRetry decides whether a failed attempt is followed by another.
func (c *Call) exitRetry(s *step, err error) (outcome error, again bool) {
	r := s.retry()
	attempts := c.word(s.slot + retryAttempts)
	*attempts++
	if r.maxAttempts == 1 || c.final || !c.retryable(r, err) || c.ctx.Err() != nil ||
		c.prog.once && c.made > 0 && !c.means.NoEffect || c.callerRetries() {
		return c.outcome(err), false
	}
	n := int(*attempts)
	delay := r.backoff.Delay(n)
	if r.foreign {
		c.now = 0 // what is asked of users takes its time
	}
	after, _ := policy.RetryAfter(err)
	if delay = max(delay, after); delay == after && !c.unsent {
		delay = c.spread(s, after)
	}
	if n >= r.maxAttempts || !c.unsent && after > r.maxWait || !c.fits(s, delay) {
		return c.exhausted(s, n, 0, err), false
	}
	if !c.spend(r) {
		return c.exhausted(s, n, r.share, err), false
	}
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, Retrying{c.prog.operation, n + 1, r.maxAttempts, delay, err})
		c.now = 0
	}
	c.late = true
	if c.prog.refuses && !c.unsent {
		c.memory().last = err
	}
	if c.more != nil && c.more.beforeRetry != nil {
		c.more.beforeRetry()
		c.more.beforeRetry, c.now = nil, 0
	}
	if delay > 0 {
		c.now = 0
		if sleep(c.ctx, delay) != nil {
			return c.outcome(err), false
		}
	}
	c.prog.counters.Count(countRetry)
	return nil, true
}

// callerRetries reports whether somebody further out retries, so that nobody has to
// here.
func (c *Call) callerRetries() bool {
	_, retries := policy.CallerRetries(c.caller)
	return retries
}

// RetriesLeft reports whether the policy retries the operation where that fails, and
// how many attempts may follow the one at hand. It is for adapters, which tell the
// dependency, so that it need not; see policy.WithCallerRetries.
func (c *Call) RetriesLeft() (left int, retries bool) {
	if c.prog == nil || c.prog.once {
		return 0, false
	}
	budgeted := math.MaxInt32
	for i := range c.prog.steps {
		s := &c.prog.steps[i]
		if s.kind != retryLayer || s.retry().maxAttempts == 1 {
			continue
		}
		retries = true
		made := int(*c.word(s.slot + retryAttempts))
		more := int64(left)*int64(s.retry().maxAttempts) + int64(s.retry().maxAttempts-1-made)
		left = int(min(more, math.MaxInt32))
		if s.retry().budget != nil {
			budgeted = min(budgeted, s.retry().budget.Left(c.clock(), s.retry().share, leastRetries))
		}
	}
	if !retries || c.callerRetries() {
		return 0, false
	}
	return min(left, budgeted), true
}

// IdempotencyKey returns the header, or metadata, in which all attempts are to bear
// one key, by which the dependency recognises them; see policy.Retry. It is empty
// where the policy wants none. It is for adapters.
func (c *Call) IdempotencyKey() string {
	if c.prog == nil {
		return ""
	}
	return c.prog.key
}

// leastRetries is how many a budget allows whatever its share: what is seldom asked
// may be asked twice.
const leastRetries = 1

// exhausted is the error of a retry that gives up after so many attempts.
func (c *Call) exhausted(s *step, attempts int, budget float64, err error) error {
	return &policy.RetriesExhaustedError{
		Attempts: attempts, Elapsed: c.elapsed(s), Budget: budget, Err: asFailure(c.outcome(err)), Operation: c.prog.operation,
	}
}

// spend reports whether the budget of a retry allows for another attempt. One that
// was refused on this side was none to the dependency.
func (c *Call) spend(r *retryStep) bool {
	if r.budget == nil || c.unsent || r.budget.Spend(c.clock(), r.share, leastRetries) {
		return true
	}
	c.prog.counters.Count(countBudget)
	c.rejected(RetryBudget, r.dependency, 0)
	return false
}

// retryable reports whether another attempt may help. An error in which a
// pipeline further in speaks of its own caller's end says nothing of ours, who
// still waits: it is a failure like any other.
func (c *Call) retryable(r *retryStep, err error) bool {
	if r.foreign {
		defer func() { c.now = 0 }() // what is asked of users takes its time
		return r.retryIf(err)
	}
	if c.means.Verdict == policy.Answered || c.means.Verdict == policy.Refused || c.means.Final {
		return false
	}
	return policy.IsRetryable(err) || policy.IsRetryable(asFailure(err))
}

// outcome is what is left of a retry that ends with err. Where that says that the
// last attempt was refused, it is the attempt before that tells of the dependency.
func (c *Call) outcome(err error) error {
	if !c.unsent || c.last() == nil {
		return err
	}
	c.unsent = false
	if over := c.ctx.Err(); over != nil && errors.Is(err, over) {
		c.weigh(c.last())
		return c.last() // it waited for its token
	}
	c.means = verdict.Meaning{Verdict: policy.Failed}
	return err
}

// noteRefusal notes that a layer refused the attempt at hand, whose error tells of the
// attempt before, if there was one.
func (c *Call) noteRefusal(err error) error {
	if e, ok := err.(*policy.ChaosError); ok { //nolint:errorlint // it was made just now
		return c.struck(e)
	}
	c.unsent = true
	if r := c.rehearsal(); r != nil {
		r.unasked()
	}
	switch e := err.(type) { //nolint:errorlint // it was made just now
	case *policy.CircuitOpenError:
		e.Err = c.last()
	case *policy.RateLimitedError:
		e.Err = c.last()
	case *policy.BulkheadFullError:
		e.Err = c.last()
	}
	return err
}

// spread lengthens what a dependency asks its callers to wait by up to a tenth, as
// far as there is time: a thousand that were told the same do not all come back at
// the same moment.
func (c *Call) spread(s *step, after time.Duration) time.Duration {
	longer := after + rand.N(after/10+1)
	if c.fits(s, longer) {
		return longer
	}
	return after
}

// fits reports whether an attempt after delay would begin in time. It reads the
// clock only if there is a time to keep to.
func (c *Call) fits(s *step, delay time.Duration) bool {
	limit := s.retry().maxElapsed
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
