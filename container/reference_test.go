package container_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// This is what policies mean, written down once more and in the plainest way: a
// recursive interpreter that counts its own time and holds everything in plain
// fields. The engine is compared with it; they share the error types and the
// classification of errors, and nothing else.

// never is the time of what does not happen.
const never = time.Duration(math.MaxInt64)

// answer is what the dependency does in one call.
type answer struct {
	takes time.Duration
	err   error
	heeds bool // returns its context's error as soon as that ends
}

// reference interprets policies for calls made one after another.
type reference struct {
	now       time.Duration
	answers   func() answer
	attempts  int
	breakers  map[string]*refBreaker
	limiters  map[string]*refLimiter
	bulkheads map[string]*refBulkhead
	totals    policy.Totals
	start     clock.Nanos // of the story
	operated  []int64     // the seconds of operations, and of retries
	retried   []int64

	// Of the operation at hand.
	caller    refContext
	sheddable bool
	began     time.Duration // its last attempt
	last      error         // of the attempt before
	unsent    bool          // a layer refused the attempt
	failed    bool          // it did, and an attempt before had failed

	sampled uint64 // successes that came back too late, of which some are counted as such

	// waits are what the engine waited before retries. It may be longer than
	// what the dependency asked for, by chance.
	waits []time.Duration
	odd   string // what was wrong with them
}

func newReference(s *story, answers func() answer) *reference {
	r := &reference{
		start:     clock.Now(),
		answers:   answers,
		breakers:  make(map[string]*refBreaker),
		limiters:  make(map[string]*refLimiter),
		bulkheads: make(map[string]*refBulkhead),
	}
	for name, spec := range s.breakers {
		r.breakers[name] = &refBreaker{spec: spec}
	}
	for name, spec := range s.limiters {
		r.limiters[name] = &refLimiter{spec: spec, tokens: float64(spec.Burst)}
	}
	for name, spec := range s.bulkheads {
		r.bulkheads[name] = &refBulkhead{spec: spec, refused: never}
	}
	return r
}

// refContext is when a context ends, and why.
type refContext struct {
	deadline, cancel time.Duration
	ours             bool          // the deadline is that of a timeout
	latest           time.Duration // when an attempt must have begun
}

// from turns times from now on into times.
func (c refContext) from(now time.Duration) refContext {
	if c.deadline != never {
		c.deadline += now
	}
	if c.cancel != never {
		c.cancel += now
	}
	return c
}

func (c refContext) end() time.Duration { return min(c.deadline, c.cancel) }

func (c refContext) err(now time.Duration) error {
	switch {
	case c.end() > now:
		return nil
	case c.cancel <= c.deadline:
		return context.Canceled
	default:
		return context.DeadlineExceeded
	}
}

// sleep lets time pass and tells whether the context lasted.
func (r *reference) sleep(d time.Duration, ctx refContext) bool {
	if ctx.end() <= r.now+d {
		r.now = max(r.now, ctx.end())
		return false
	}
	r.now += d
	return true
}

// operation runs one operation of a caller.
func (r *reference) operation(layers []policy.Policy, caller refContext) error {
	r.caller, r.last, r.unsent, r.failed = caller, nil, false, false
	err := caller.err(r.now)
	if err == nil {
		err = r.run(layers, caller)
	}
	r.totals.TotalOperations++
	if err == nil {
		r.totals.SuccessfulOperations++
		return nil
	}
	if policy.IsAnswer(err) {
		r.totals.SuccessfulOperations++
		r.totals.Answered++
		return err
	}
	r.totals.FailedOperations++
	over := caller.err(r.now)
	if over == nil || policy.IsPermanent(err) {
		return err
	}
	r.totals.Cancelled++
	return &policy.CancelledError{Err: fmt.Errorf("%w: %w", over, err)}
}

func (r *reference) run(layers []policy.Policy, ctx refContext) error {
	if len(layers) == 0 {
		return r.call(ctx)
	}
	inside := func(ctx refContext) error { return r.run(layers[1:], ctx) }
	switch layer := layers[0].(type) {
	case policy.Timeout:
		return r.timeout(time.Duration(layer), ctx, inside)
	case policy.Retry:
		return r.retry(layer.WithDefaults(), ctx, inside)
	case policy.CircuitBreaker:
		return r.breaker(r.breakers[layer.Name], ctx, inside)
	case policy.RateLimit:
		return r.limiter(r.limiters[layer.Name], ctx, inside)
	case policy.Bulkhead:
		return r.bulkhead(r.bulkheads[layer.Name], ctx, inside)
	default:
		panic(fmt.Sprintf("no such layer: %T", layer))
	}
}

func (r *reference) call(ctx refContext) (err error) {
	if r.attempts++; r.attempts == 1 {
		r.operated = append(r.operated, r.second())
	}
	r.unsent, r.failed = false, false
	r.began = r.now
	a := r.answers()
	defer func() {
		late := r.now - ctx.deadline
		switch {
		case !ctx.ours || late < 100*time.Millisecond || late < (ctx.deadline-r.began)/10:
		case err == nil:
			r.sampled++
		default:
			r.totals.Overruns++
		}
	}()
	if a.heeds && ctx.end() <= r.now+a.takes {
		r.now = max(r.now, ctx.end())
		return ctx.err(r.now)
	}
	r.now += a.takes
	return a.err
}

func (r *reference) timeout(d time.Duration, ctx refContext, inside func(refContext) error) error {
	deadline := r.now + d
	if ctx.deadline <= deadline {
		return inside(ctx) // the nearer one stands
	}
	err := inside(refContext{deadline, ctx.cancel, true, ctx.latest})
	if err == nil || r.now < deadline || policy.IsPermanent(err) || policy.IsAnswer(err) || r.caller.err(r.now) != nil {
		return err
	}
	r.totals.TimeoutCount++
	return &policy.TimeoutError{After: d, Err: err}
}

func (r *reference) retry(p policy.Retry, ctx refContext, inside func(refContext) error) error {
	start := r.now
	inner := ctx
	if p.MaxElapsed > 0 {
		inner.latest = min(inner.latest, start+p.MaxElapsed)
	}
	for attempt := 1; ; attempt++ {
		r.unsent, r.failed = false, false
		err := inside(inner)
		if err == nil {
			return nil
		}
		if p.MaxAttempts == 1 || !p.RetryIf(err) || ctx.err(r.now) != nil {
			return r.outcome(err, ctx)
		}
		delay := p.Backoff.Delay(attempt)
		after, _ := policy.RetryAfter(err)
		delay = max(delay, after)
		next := r.now + delay
		if attempt == p.MaxAttempts || !r.unsent && after > p.MaxWait || next >= ctx.deadline || p.MaxElapsed > 0 && next-start > p.MaxElapsed {
			return &policy.RetriesExhaustedError{Attempts: attempt, Elapsed: r.now - start, Err: r.outcome(err, ctx)}
		}
		if !r.unsent {
			if !r.spend(p.Budget) {
				return &policy.RetriesExhaustedError{Attempts: attempt, Elapsed: r.now - start, Budget: p.Budget, Err: r.outcome(err, ctx)}
			}
			r.last = err
		}
		if !r.sleep(r.waited(delay, !r.unsent && delay == after, ctx), ctx) {
			return r.outcome(err, ctx)
		}
		r.totals.RetryAttempts++
	}
}

func (r *reference) second() int64 { return int64(r.start.Add(r.now)) / int64(time.Second) }

// spend reports whether a budget allows for a retry, and notes it.
func (r *reference) spend(share float64) bool {
	if share == 0 {
		return true
	}
	late := func(all []int64) (n int) {
		for _, at := range all {
			if at > r.second()-10 {
				n++
			}
		}
		return n
	}
	if float64(late(r.retried)+1) > max(1, share*float64(late(r.operated))+1e-9) {
		r.totals.RetryBudgetHits++
		return false
	}
	r.retried = append(r.retried, r.second())
	return true
}

// waited returns what the engine waited where delay was to be waited, or up to a
// tenth longer if it may be spread and there is time.
func (r *reference) waited(delay time.Duration, spread bool, ctx refContext) time.Duration {
	if len(r.waits) == 0 {
		r.odd = "it did not retry"
		return delay
	}
	took := r.waits[0]
	r.waits = r.waits[1:]
	if about(took, delay) {
		return delay
	}
	if longest := delay + delay/10; !spread || took < delay || took > longest || r.now+took >= ctx.deadline {
		r.odd = fmt.Sprintf("it waited %v where %v was asked for", took, delay)
	}
	return took
}

// outcome lets the attempt before speak where the last one was refused.
func (r *reference) outcome(err error, ctx refContext) error {
	if !r.unsent || r.last == nil {
		return err
	}
	r.unsent = false
	if over := ctx.err(r.now); over != nil && errors.Is(err, over) {
		return r.last
	}
	r.failed = true
	return err
}

// refBreaker trips on failures in a row. Its calls never overlap.
type refBreaker struct {
	spec      policy.CircuitBreaker
	state     policy.State
	row       int // of failures while closed, of successes while half-open
	openUntil time.Duration
}

func (b *refBreaker) at(now time.Duration) policy.State {
	if b.state == policy.StateOpen && now >= b.openUntil {
		b.state, b.row = policy.StateHalfOpen, 0
	}
	return b.state
}

func (b *refBreaker) open(now time.Duration) {
	b.state, b.openUntil = policy.StateOpen, now+b.spec.RecoveryTimeout
}

func (r *reference) breaker(b *refBreaker, ctx refContext, inside func(refContext) error) error {
	began, entered := r.now, b.at(r.now)
	if entered == policy.StateOpen {
		r.totals.CircuitBreakerRejections++
		r.unsent = true
		return &policy.CircuitOpenError{Name: b.spec.Name, RetryAfter: b.openUntil - r.now, Err: r.last}
	}
	err := inside(ctx)
	if hangs := began + b.spec.ProbeTimeout; entered == policy.StateHalfOpen && r.now >= hangs {
		b.open(hangs) // the probe failed then, and what it says now comes too late
		return err
	}
	neutral, works := false, err == nil || policy.IsAnswer(err)
	switch left := r.caller.err(r.now); {
	case works:
	case r.unsent || policy.IsPermanent(err):
		neutral = true
	case left != nil:
		known := errors.Is(left, context.DeadlineExceeded) || entered == policy.StateHalfOpen
		neutral = !known || r.now-r.began < b.spec.Patience
	default:
		neutral = !r.failed && (errors.Is(err, policy.ErrCircuitOpen) || errors.Is(err, policy.ErrRateLimited) || errors.Is(err, policy.ErrBulkheadFull))
	}
	switch {
	case neutral:
	case works && entered == policy.StateClosed:
		b.row = 0
	case works:
		if b.row++; b.row == int(b.spec.SuccessThreshold) {
			b.state, b.row = policy.StateClosed, 0
		}
	case entered == policy.StateHalfOpen:
		b.open(r.now)
	default:
		if b.row++; b.row == int(b.spec.FailureThreshold) {
			b.open(r.now)
			r.totals.CircuitBreakerTrips++
		}
	}
	return err
}

// refLimiter is a bucket of tokens.
type refLimiter struct {
	spec   policy.RateLimit
	tokens float64
	filled time.Duration // when tokens was right
}

func (l *refLimiter) fill(now time.Duration) {
	l.tokens = min(float64(l.spec.Burst), l.tokens+(now-l.filled).Seconds()*l.spec.RequestsPerSecond)
	l.filled = now
}

func (r *reference) limiter(l *refLimiter, ctx refContext, inside func(refContext) error) error {
	l.fill(r.now)
	if keep := l.spec.Reserved(); r.sheddable && l.spec.Reserve > 0 && l.tokens < float64(1+keep)-1e-6 {
		wait := time.Duration((float64(1+keep) - l.tokens) / l.spec.RequestsPerSecond * float64(time.Second))
		r.totals.RateLimitHits++
		r.shed()
		r.unsent = true
		return &policy.RateLimitedError{Name: l.spec.Name, RetryAfter: wait, Err: r.last}
	}
	if l.tokens < 1-1e-6 { // whoever comes when told comes on time
		wait := time.Duration((1 - l.tokens) / l.spec.RequestsPerSecond * float64(time.Second))
		if wait > l.spec.MaxWait || r.now+wait > ctx.deadline || r.now+wait > ctx.latest {
			r.totals.RateLimitHits++
			r.shed()
			r.unsent = true
			return &policy.RateLimitedError{Name: l.spec.Name, RetryAfter: wait, Err: r.last}
		}
		if !r.sleep(wait, ctx) {
			r.unsent = true
			return ctx.err(r.now)
		}
		l.fill(r.now)
	}
	l.tokens--
	err := inside(ctx)
	if r.unsent { // further in
		l.fill(r.now)
		l.tokens = min(float64(l.spec.Burst), l.tokens+1)
	}
	return err
}

// refBulkhead is a number of permits, of which others hold some for a while.
type refBulkhead struct {
	spec    policy.Bulkhead
	held    int           // by others
	until   time.Duration // they leave
	refused time.Duration // when somebody was first, since a permit came back
	gap     time.Duration // how long it takes from there, on average
}

// at lets the others leave in time.
func (b *refBulkhead) at(now time.Duration) {
	if b.held > 0 && now >= b.until {
		b.held = 0
		b.left(b.until)
	}
}

// shed counts a refusal of a call that may be shed.
func (r *reference) shed() {
	if r.sheddable {
		r.totals.Shed++
	}
}

// left notes when a permit came back.
func (b *refBulkhead) left(now time.Duration) {
	if b.refused == never {
		return
	}
	took := max(now-b.refused, 1)
	if b.gap == 0 {
		b.gap = took
	}
	b.gap += (took - b.gap) / 8
	b.refused = never
}

func (b *refBulkhead) free(sheddable bool) int {
	free := b.spec.MaxConcurrent - b.held
	if sheddable {
		reserved := int(math.Ceil(b.spec.Reserve * float64(b.spec.MaxConcurrent)))
		free -= min(reserved, b.spec.MaxConcurrent-1)
	}
	return free
}

func (r *reference) bulkhead(b *refBulkhead, ctx refContext, inside func(refContext) error) error {
	b.at(r.now)
	if b.free(r.sheddable) <= 0 {
		wait := min(b.spec.MaxWait, ctx.latest-r.now)
		in := b.until-r.now <= wait
		if in {
			wait = b.until - r.now
		}
		if wait > 0 && !r.sleep(wait, ctx) {
			r.unsent = true
			return ctx.err(r.now)
		}
		b.at(r.now)
		if !in {
			r.totals.BulkheadRejections++
			r.shed()
			r.unsent = true
			b.refused = min(b.refused, r.now)
			return &policy.BulkheadFullError{Name: b.spec.Name, RetryAfter: max(b.gap, r.now-b.refused), Err: r.last}
		}
	}
	defer func() { b.at(r.now); b.left(r.now) }()
	return inside(ctx)
}

// describe tells what can be told apart of an error, wrapper by wrapper.
func describe(err error) string {
	{
		var e *policy.RetriesExhaustedError
		var e1 *policy.TimeoutError
		var e2 *policy.CircuitOpenError
		var e3 *policy.RateLimitedError
		var e4 *policy.CancelledError
		var e5 *policy.BulkheadFullError
		switch {
		case err == nil:
			return "nil"
		case errors.As(err, &e):
			return fmt.Sprintf("exhausted(%d) ", e.Attempts) + describe(e.Err)
		case errors.As(err, &e1):
			return fmt.Sprintf("timeout(%v) ", e1.After) + describe(e1.Err)
		case errors.As(err, &e2):
			return fmt.Sprintf("open(%s)", e2.Name)
		case errors.As(err, &e3):
			return fmt.Sprintf("limited(%s)", e3.Name)
		case errors.As(err, &e5):
			return fmt.Sprintf("full(%s)", e5.Name)
		case errors.As(err, &e4):
			return "cancelled " + sentinelsOf(err)
		default:
			return strings.ReplaceAll(err.Error(), "\n", " ")
		}
	}
}

// sentinelsOf lists what err is, for errors.Is.
func sentinelsOf(err error) string {
	var is []string
	for _, target := range []error{
		policy.ErrCircuitOpen, policy.ErrRateLimited, policy.ErrBulkheadFull, policy.ErrTimeout, policy.ErrRetriesExhausted, policy.ErrCancelled,
		context.Canceled, context.DeadlineExceeded, errDown, errBusy, errNo, errFatal,
	} {
		if errors.Is(err, target) {
			is = append(is, target.Error())
		}
	}
	return "[" + strings.Join(is, ", ") + "]"
}
