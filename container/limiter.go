package container

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
	"golang.org/x/time/rate"
)

// RateLimiter is a rate limiter of an orchestrator: a token bucket of
// golang.org/x/time/rate, a way for calls to take from a bucket with tokens to
// spare without a lock, and a fair queue for calls that may wait for their
// token. It is safe for use by many goroutines.
type RateLimiter struct {
	name    string
	credit  atomic.Pointer[credit]
	bucket  *rate.Limiter
	maxWait atomic.Int64
	empty   atomic.Int64 // there is no token before this reading of the clock

	// Those who wait take no token before it is there: a reservation that is
	// given up could not be returned once others have reserved after it.
	mu      sync.Mutex  // guards all below, and the opening and settling of credits
	full    clock.Nanos // the bucket is not full before this reading
	spec    policy.RateLimit
	changed chan struct{}   // closed when spec changes; nil if nobody waits for that
	queue   []chan struct{} // in order of arrival; a closed one is at the head
}

func newRateLimiter(name string, spec policy.RateLimit) *RateLimiter {
	d := spec.WithDefaults()
	l := &RateLimiter{name: name, bucket: rate.NewLimiter(rate.Limit(d.RequestsPerSecond), d.Burst)}
	l.configure(spec)
	return l
}

// Name returns the limiter's name: its own, or the service or operation that it
// belongs to.
func (l *RateLimiter) Name() string { return l.name }

// Tokens returns how many tokens there are now. Asking takes none.
func (l *RateLimiter) Tokens() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := clock.Now()
	if tokens, ok := l.credit.Load().tokens(now); ok {
		return tokens
	}
	return l.bucket.TokensAt(now.Time())
}

// configure takes new settings in place: the bucket keeps what it holds, up to
// the new burst.
func (l *RateLimiter) configure(spec policy.RateLimit) {
	spec = spec.WithDefaults()
	spec.Name = l.name
	l.mu.Lock()
	defer l.mu.Unlock()
	if spec == l.spec {
		return
	}
	l.spec = spec
	now := clock.Now()
	if l.credit.Load() != nil {
		l.settle(now)
	}
	l.bucket.SetLimitAt(now.Time(), rate.Limit(spec.RequestsPerSecond))
	l.bucket.SetBurstAt(now.Time(), spec.Burst)
	l.credit.Store(newCredit(now, spec.RequestsPerSecond, spec.Burst))
	l.empty.Store(0)
	l.full = 0
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	l.maxWait.Store(int64(spec.MaxWait))
}

// has reports whether the limiter was made from settings that mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return spec.WithDefaults() == l.spec
}

// dry returns how long there will be no token for sure.
func (l *RateLimiter) dry(now clock.Nanos) time.Duration {
	return clock.Nanos(l.empty.Load()).Sub(now)
}

// take takes a token if there is one, and nobody waits for it. It is for when the
// credit gave none.
func (l *RateLimiter) take(now clock.Nanos) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		return false
	}
	if !l.settle(now) && now >= l.full && l.open(now) {
		return l.credit.Load().take(now)
	}
	return l.bucket.AllowN(now.Time(), 1)
}

// open opens a credit on the bucket if that is full.
func (l *RateLimiter) open(now clock.Nanos) bool {
	c := l.credit.Load()
	if missing := c.burst - l.bucket.TokensAt(now.Time()); missing > 0 {
		l.full = now.Add(l.after(missing))
		return false
	}
	if !c.fits(now) {
		if c = newCredit(now, l.spec.RequestsPerSecond, l.spec.Burst); !c.fits(now) {
			l.full = math.MaxInt64 // such numbers are left to the bucket
			return false
		}
		l.credit.Store(c)
	}
	l.bucket.SetBurstAt(now.Time(), l.spec.Burst) // notes that it was full now
	c.open(now)
	return true
}

// settle has the bucket take what was taken on credit, if one was open. What is
// missing then is seldom a whole number; the bucket takes the next one, a while
// ago, so that the fraction has come back since.
func (l *RateLimiter) settle(now clock.Nanos) bool {
	missing, ok := l.credit.Load().close(now)
	if !ok {
		return false
	}
	whole := math.Ceil(missing)
	seconds := min((whole-missing)/float64(l.bucket.Limit()), longAgo.Seconds())
	ago := time.Duration(seconds * float64(time.Second))
	l.bucket.AllowN(now.Add(-ago).Time(), int(whole))
	l.full = now.Add(l.after(missing))
	return true
}

// longAgo is as far back as there are readings of the clock.
const longAgo = 50 * 365 * 24 * time.Hour

// after returns how long so many tokens take to come; never 0, so that nobody who
// waits as told comes too early.
func (l *RateLimiter) after(tokens float64) time.Duration {
	seconds := max(tokens, 0) / float64(l.bucket.Limit())
	return time.Duration(min(math.Ceil(seconds*float64(time.Second)), math.MaxInt64/2)) + 1
}

// wait waits for a token as long as the limiter allows and the context lasts.
// Where none is to be had in that time, wait is the time until one would be. It
// returns the context's error if that ends while waiting.
func (l *RateLimiter) wait(ctx context.Context, now clock.Nanos) (wait time.Duration, ok bool, err error) {
	wait, turn := l.queueUp(ctx, now)
	if turn == nil {
		return wait, false, nil
	}
	defer l.leave(turn)
	patience := time.NewTimer(time.Duration(l.maxWait.Load()))
	defer patience.Stop()

	select {
	case <-turn:
	case <-ctx.Done():
		return 0, false, ctx.Err()
	case <-patience.C: // the rate was lowered meanwhile
		return l.until(clock.Now(), l.ahead(turn)), false, nil
	}
	for out := false; ; {
		changed := l.changes()
		now = clock.Now()
		if l.bucket.AllowN(now.Time(), 1) {
			return 0, true, nil
		}
		wait = l.until(now, 0)
		if out {
			return wait, false, nil
		}
		token := time.NewTimer(wait)
		select {
		case <-token.C:
		case <-changed:
		case <-ctx.Done():
			err = ctx.Err()
		case <-patience.C:
			out = true
		}
		token.Stop()
		if err != nil {
			return 0, false, err
		}
	}
}

// queueUp takes a place in the queue, or none where the wait would be too long.
func (l *RateLimiter) queueUp(ctx context.Context, now clock.Nanos) (wait time.Duration, turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maxWait := time.Duration(l.maxWait.Load())
	l.settle(now) // somebody may have opened a credit since
	wait = l.until(now, len(l.queue))
	if maxWait <= 0 {
		l.empty.Store(int64(now.Add(wait))) // an empty bucket need not be asked again before
		return wait, nil
	}
	if deadline, has := ctx.Deadline(); has {
		maxWait = min(maxWait, clock.At(deadline).Sub(now))
	}
	if wait > maxWait {
		return wait, nil
	}
	turn = make(chan struct{})
	l.queue = append(l.queue, turn)
	if len(l.queue) == 1 {
		close(turn)
	}
	return wait, turn
}

// changes is closed when the limiter's settings change.
func (l *RateLimiter) changes() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// ahead returns how many stand before turn in the queue.
func (l *RateLimiter) ahead(turn chan struct{}) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Index(l.queue, turn)
}

// until returns the time until the next token when ahead others are before it.
func (l *RateLimiter) until(now clock.Nanos, ahead int) time.Duration {
	return l.after(float64(ahead) + 1 - l.bucket.TokensAt(now.Time()))
}

// leave gives up a place in the queue; the next one may then go to the head.
func (l *RateLimiter) leave(turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.queue, turn)
	l.queue = slices.Delete(l.queue, i, i+1)
	if i == 0 && len(l.queue) > 0 {
		close(l.queue[0])
	}
}

// sleep waits for d or the end of the context, whose error it returns then.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
