package container

import (
	"context"
	"log/slog"
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// rehearsal is one call as the candidate of a dry run would have made it: it asks the
// candidate's breakers and limiters before each attempt that is really made, tells
// them its outcome, and decides what the candidate's retries would have done. It
// changes nothing of the call, in whose goroutine it runs.
type rehearsal struct {
	pipeline *Pipeline
	prog     *program // nil where the candidate protects nothing
	events   *events  // for the log
	state    rehearsalState
	resume   int // of awaiting: the step inside the retry
	unseen   bool
	failed   bool // of done: how the call ended
	answered bool
	err      error           // of the attempt before, for those that are assumed
	means    verdict.Meaning // of that
	spent    time.Duration   // of the call, with the candidate's waits in the place of the real ones
	took     time.Duration   // by the attempt before
	words    []uint64        // as a Call's
	begun    []time.Duration // what was spent when a timeout began
	room     [4]uint64
	contexts [inlineContexts]time.Duration
}

type rehearsalState uint8

const (
	attempting rehearsalState = iota
	refused                   // by the policy in force: nobody knows
	awaiting                  // the candidate would make another attempt
	done
)

// rehearse begins the rehearsal of a call, before the policy in force is asked: what
// that refuses would have reached the candidate all the same.
func (c *Call) rehearse() {
	p := c.prog.shadow
	r := &rehearsal{pipeline: p, prog: p.prog.Load(), events: c.prog.events}
	c.memory().rehearsal = r
	if r.prog == nil {
		return
	}
	if part := c.prog.partition; part != nil {
		r.prog = r.prog.partitioned.of(part.key, r.prog)
	}
	r.words, r.begun = r.room[:], r.contexts[:]
	if int(r.prog.words) > len(r.words) {
		r.words = make([]uint64, r.prog.words)
	}
	if int(r.prog.contexts) > len(r.begun) {
		r.begun = make([]time.Duration, r.prog.contexts)
	}
	if r.prog.budget != nil {
		r.prog.budget.Operation(c.clock())
	}
	r.safely(func() { r.enter(0, c.clock()) })
}

// safely keeps what a candidate asks of its user (RetryIf, Judge, a back-off) from the
// call, which it must not disturb.
func (r *rehearsal) safely(step func()) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if cause := recover(); cause != nil {
			r.release(len(r.steps()) - 1)
			r.state, r.unseen = done, true
			r.events.log.Error("the dry run panicked", slog.Any("panic", cause), slog.String("operation", r.operation()))
		}
	}()
	step()
	returned = true
}

func (r *rehearsal) steps() []step {
	if r.prog == nil {
		return nil
	}
	return r.prog.steps
}

func (r *rehearsal) operation() string {
	if r.prog == nil {
		return ""
	}
	return r.prog.operation
}

// enter asks the steps from i on whether an attempt may be made.
func (r *rehearsal) enter(i int, now clock.Nanos) {
	r.state = attempting
	steps := r.steps()
	for ; i < len(steps); i++ {
		switch s := &steps[i]; s.kind {
		case retryLayer:
			r.words[s.slot+retryAttempts], r.words[s.slot+retryStart] = 0, uint64(r.spent)
		case timeoutLayer:
			r.begun[s.slot] = r.spent
		case breakerLayer:
			if s.breaker().circuit.Overdue(now) {
				r.prog.counters.Count(countTrip)
			}
			p, ok := s.breaker().circuit.Closed()
			if !ok {
				p, _, ok = s.breaker().circuit.Admit(now, s.breaker().probeTime(s.timeout))
			}
			if !ok {
				r.prog.counters.Count(countRejection)
				r.refuse(i, now) // nothing retries an open circuit
				return
			}
			r.words[s.slot] = uint64(p)
		case limiterLayer:
			if taken(&s.limiter().bucket, now) {
				continue
			}
			r.prog.counters.Count(countLimited)
			if !r.retriesLimited(i) {
				r.refuse(i, now)
				return
			}
		case errorsLayer, bulkheadLayer, chaosLayer, staleLayer, hedgeLayer: // are for the way back, or let everything pass
		}
	}
}

// taken takes a token of a limiter of the candidate, for which nobody waits.
func taken(b *bucket.Bucket, now clock.Nanos) bool {
	if b.TakeCredit(now) {
		return true
	}
	if b.Empty(now) > 0 {
		return false
	}
	if b.Take(now) {
		return true
	}
	_, ok, _ := b.Wait(context.Background(), now, bucket.Forever) // notes until when it is empty
	return ok
}

// retriesLimited reports whether a retry around step i would try again what a limiter
// refused. Then it is assumed to get the token, and the outcome of the attempt that is
// really made.
func (r *rehearsal) retriesLimited(i int) bool {
	for i--; i >= 0; i-- {
		if s := &r.prog.steps[i]; s.kind == retryLayer && int(r.words[s.slot+retryAttempts])+1 < s.retry().maxAttempts {
			r.words[s.slot+retryAttempts]++
			r.prog.counters.Count(countRetry)
			r.prog.counters.Count(countAssumed)
			return true
		}
	}
	return false
}

// refuse ends a call at step i, which takes no token of any.
func (r *rehearsal) refuse(i int, now clock.Nanos) {
	r.release(i - 1)
	for j := range i {
		if s := &r.prog.steps[j]; s.kind == limiterLayer {
			s.limiter().bucket.GiveBack(now)
		}
	}
	r.state, r.failed = done, true
}

// release gives back the breakers' permits from step i outwards: nobody was asked.
func (r *rehearsal) release(i int) {
	for ; i >= 0; i-- {
		if s := &r.prog.steps[i]; s.kind == breakerLayer {
			r.report(s, circuit.Neutral)
		}
	}
}

func (r *rehearsal) report(s *step, o circuit.Outcome) {
	held := circuit.Permit(r.words[s.slot])
	r.words[s.slot] = uint64(circuit.NoPermit)
	if held == circuit.NoPermit || o == circuit.Success && s.breaker().circuit.Ignores(held) {
		return
	}
	if s.breaker().circuit.Report(held, o) != circuit.NoTrip {
		r.prog.counters.Count(countTrip)
	}
}

// unasked notes that the policy in force refused the attempt.
func (r *rehearsal) unasked() {
	if r.state == attempting {
		r.release(len(r.steps()) - 1)
		r.state = refused
	}
}

// again follows the policy in force to its next attempt, if the candidate makes one
// too.
func (r *rehearsal) again(now clock.Nanos) {
	switch r.state {
	case awaiting:
		r.enter(r.resume, now)
	case refused:
		r.state = attempting // breakers hear nothing of it
	case attempting, done:
	}
}

// ended books the outcome of an attempt: nil is a success.
func (r *rehearsal) ended(c *Call, err error) {
	if r.state != attempting {
		return
	}
	r.took, r.err, r.means = c.took(), err, c.means
	r.exit(c)
}

// exit goes back through all steps with the outcome of an attempt.
func (r *rehearsal) exit(c *Call) {
	err, means, failed := r.err, r.means, r.err != nil
	spent := r.spent + r.took
	steps := r.steps()
	for i := len(steps) - 1; i >= 0; i-- {
		switch s := &steps[i]; s.kind {
		case errorsLayer:
			if !failed {
				continue
			}
			if v := s.errors().verdict(err); v != policy.Unknown {
				means.Verdict, means.Final = v, false
			}
		case timeoutLayer:
			if until := r.begun[s.slot] + s.timeout; spent > until || spent == until && failed && r.cut(c, means) {
				r.prog.counters.Count(countTimeout)
				err = &policy.TimeoutError{After: s.timeout, Operation: r.prog.operation}
				spent, failed, means = until, true, verdict.Meaning{Verdict: policy.Failed}
			}
		case breakerLayer:
			switch {
			case failed:
				r.report(s, c.judgeBy(s.breaker(), circuit.Permit(r.words[s.slot]), means, err))
			case means.Neutral:
				r.report(s, circuit.Neutral)
			default:
				r.report(s, circuit.Success)
			}
		case retryLayer:
			if !failed {
				continue
			}
			if delay, again := r.retries(c, s, i, spent, err, means); again {
				r.spent, r.state, r.resume = spent+delay, awaiting, i+1
				return
			}
		case limiterLayer, bulkheadLayer, chaosLayer, staleLayer, hedgeLayer: // its token is used; nothing is held
		}
	}
	r.spent, r.state = spent, done
	r.failed, r.answered = failed && means.Verdict != policy.Answered, failed && means.Verdict == policy.Answered
}

// cut reports whether a failure at the very end of a timeout is the timeout's doing.
func (r *rehearsal) cut(c *Call, means verdict.Meaning) bool {
	return means.Verdict != policy.Answered && means.Verdict != policy.Refused && c.callerOver() == nil
}

// retries decides whether the candidate would make another attempt, and after which
// wait, as Call.exitRetry does.
func (r *rehearsal) retries(c *Call, s *step, i int, spent time.Duration, err error, means verdict.Meaning) (delay time.Duration, again bool) {
	attempts := &r.words[s.slot+retryAttempts]
	*attempts++
	n := int(*attempts)
	if n >= s.retry().maxAttempts || c.final || c.caller.Err() != nil || r.prog.once && !means.NoEffect {
		return 0, false
	}
	real := c.means
	c.means = means
	retryable := c.retryable(s.retry(), err)
	c.means = real
	after, _ := policy.RetryAfter(err)
	delay = max(s.retry().backoff.Delay(n), after)
	switch limit := s.retry().maxElapsed; {
	case !retryable, after > s.retry().maxWait:
		return 0, false
	case limit > 0 && spent-time.Duration(r.words[s.slot+retryStart])+delay > limit:
		return 0, false
	}
	for j := range i {
		if outer := &r.prog.steps[j]; outer.kind == timeoutLayer && spent+delay >= r.begun[outer.slot]+outer.timeout {
			return 0, false
		}
	}
	if deadline, ends := c.caller.Deadline(); ends && delay >= clock.At(deadline).Sub(c.clock()) {
		return 0, false
	}
	if b := s.retry().budget; b != nil && !b.Spend(c.clock(), s.retry().share, leastRetries) {
		r.prog.counters.Count(countBudget)
		return 0, false
	}
	r.prog.counters.Count(countRetry)
	return delay, true
}

// maxAssumed bounds what is reckoned of attempts that were never made.
const maxAssumed = 1000

// completed counts how the candidate's call would have ended.
func (r *rehearsal) completed(c *Call, d Completed) {
	if r.state == attempting {
		switch {
		case d.Panicked && d.Cancelled:
			r.release(len(r.steps()) - 1)
			r.state, r.failed = done, true
		case d.Panicked:
			for i := range r.steps() {
				if s := &r.prog.steps[i]; s.kind == breakerLayer {
					r.report(s, circuit.Failure)
				}
			}
			r.state, r.failed = done, true
		default:
			r.ended(c, nil)
		}
	}
	for n := 0; r.state == awaiting && n < maxAssumed; n++ {
		r.prog.counters.Count(countAssumed)
		r.renew()
		r.exit(c) // as the one before
	}
	count := r.pipeline.counters.Count
	switch {
	case r.state == refused || r.unseen:
		count(countUnseen)
	case !r.failed:
		count(countSuccess)
		if r.answered {
			count(countAnswered)
		}
	default:
		count(countFailure)
		if d.Cancelled {
			count(countCancelled)
		}
	}
}

// renew begins anew what stands inside the retry.
func (r *rehearsal) renew() {
	for i := r.resume; i < len(r.prog.steps); i++ {
		switch s := &r.prog.steps[i]; s.kind {
		case retryLayer:
			r.words[s.slot+retryAttempts], r.words[s.slot+retryStart] = 0, uint64(r.spent)
		case timeoutLayer:
			r.begun[s.slot] = r.spent
		case breakerLayer, limiterLayer, errorsLayer, bulkheadLayer, chaosLayer, staleLayer, hedgeLayer: // are not asked
		}
	}
	r.state = attempting
}
