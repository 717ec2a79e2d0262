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
// golang.org/x/time/rate, and a fair queue for calls that may wait for their
// token. It is safe for use by many goroutines.
type RateLimiter struct {
	name    string
	bucket  *rate.Limiter
	maxWait atomic.Int64
	empty   atomic.Int64 // there is no token before this reading of the clock

	// Those who wait take no token before it is there: a reservation that is
	// given up could not be returned once others have reserved after it.
	waiting atomic.Int64 // len(queue); nobody may pass while somebody waits
	mu      sync.Mutex
	spec    policy.RateLimit
	changed chan struct{}   // closed when spec changes
	queue   []chan struct{} // in order of arrival; a closed one is at the head
}

func newRateLimiter(name string, spec policy.RateLimit) *RateLimiter {
	d := spec.WithDefaults()
	l := &RateLimiter{name: name, changed: make(chan struct{}), bucket: rate.NewLimiter(rate.Limit(d.RequestsPerSecond), d.Burst)}
	l.configure(spec)
	return l
}

// Name returns the limiter's name: its own, or the service or operation that it
// belongs to.
func (l *RateLimiter) Name() string { return l.name }

// Tokens returns how many tokens there are now. Asking takes none.
func (l *RateLimiter) Tokens() float64 { return l.bucket.TokensAt(clock.Now().Time()) }

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
	now := clock.Now().Time()
	l.bucket.SetLimitAt(now, rate.Limit(spec.RequestsPerSecond))
	l.bucket.SetBurstAt(now, spec.Burst)
	l.empty.Store(0)
	close(l.changed)
	l.changed = make(chan struct{})
	l.maxWait.Store(int64(spec.MaxWait))
}

// has reports whether the limiter was made from settings that mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return spec.WithDefaults() == l.spec
}

// take takes a token if there is one, and nobody waits for it.
func (l *RateLimiter) take(now clock.Nanos) bool {
	return now >= clock.Nanos(l.empty.Load()) && l.waiting.Load() == 0 && l.bucket.AllowN(now.Time(), 1)
}

// wait waits for a token as long as the limiter allows and the context lasts.
// Where none is to be had in that time, wait is the time until one would be. It
// returns the context's error if that ends while waiting.
func (l *RateLimiter) wait(ctx context.Context, now clock.Nanos) (wait time.Duration, ok bool, err error) {
	if empty := clock.Nanos(l.empty.Load()); empty > now {
		return empty.Sub(now), false, nil
	}
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
	l.waiting.Add(1)
	return wait, turn
}

// changes is closed when the limiter's settings change.
func (l *RateLimiter) changes() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// ahead returns how many stand before turn in the queue.
func (l *RateLimiter) ahead(turn chan struct{}) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Index(l.queue, turn)
}

// until returns the time until the next token when ahead others are before it;
// never 0, so that nobody who waits as told comes too early.
func (l *RateLimiter) until(now clock.Nanos, ahead int) time.Duration {
	missing := float64(ahead) + 1 - l.bucket.TokensAt(now.Time())
	seconds := missing / float64(l.bucket.Limit())
	return time.Duration(min(math.Ceil(max(seconds, 0)*float64(time.Second)), math.MaxInt64/2)) + 1
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
	l.waiting.Add(-1)
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
