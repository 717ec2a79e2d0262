package container

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/lease"
	"github.com/cladgo/clad/policy"
)

// RateLimiter is a rate limiter of an orchestrator: a token bucket or the tokens of a
// period, and a fair queue for calls that may wait for their token. It is safe for use by many
// goroutines.
type RateLimiter struct {
	inPartition
	name    atomic.Pointer[string]
	bucket  bucket.Bucket
	account atomic.Pointer[lease.Account] // where it is shared, instead of the bucket
	sharing *sharing                      // nil without a store
	spec    kept[policy.RateLimit]        // with its defaults, and without its name

	changing sync.Mutex                       // what the bucket is configured with
	override atomic.Pointer[policy.RateLimit] // nil while the settings are in force
}

// tokens are where calls get theirs when there is no credit.
type tokens interface {
	Empty(now clock.Nanos) time.Duration
	Take(now clock.Nanos) bool
	Wait(ctx context.Context, now, by clock.Nanos) (wait time.Duration, ok bool, err error)
	GiveBack(now clock.Nanos)
}

func newRateLimiter(name string, spec policy.RateLimit, s *sharing) *RateLimiter {
	l := &RateLimiter{sharing: s}
	l.rename(name)
	l.configure(spec)
	return l
}

func (l *RateLimiter) tokens() tokens {
	if a := l.account.Load(); a != nil {
		return a
	}
	return &l.bucket
}

// Name returns the limiter's name, by which the orchestrator finds it: its own, or
// one made as [CircuitBreaker.Name] says.
func (l *RateLimiter) Name() string { return *l.name.Load() }

func (l *RateLimiter) rename(name string) { l.name.Store(&name) }

// Tokens returns how many tokens there are now; of a shared limit, how many this
// instance holds. Asking takes none.
func (l *RateLimiter) Tokens() float64 {
	if a := l.account.Load(); a != nil {
		return float64(a.Status().Held)
	}
	return l.bucket.Tokens()
}

// Limit returns what the limiter goes by, with the defaults filled in: its settings,
// or what [RateLimiter.Override] put in their place.
func (l *RateLimiter) Limit() policy.RateLimit {
	limit := l.spec.load()
	limit.Name = l.Name()
	if other := l.override.Load(); other != nil {
		limit.RequestsPerSecond, limit.Burst = other.RequestsPerSecond, other.Burst
		limit.RequestsPerPeriod, limit.Per = 0, 0
	}
	return limit
}

// Override has the limiter go by another rate, and burst (0: the default for that
// rate), than its settings say, until [RateLimiter.Automatic]. A reload changes the
// settings, and not this. The bucket keeps what it holds, up to the new burst. The
// error says what is wrong with the rate or the burst.
func (l *RateLimiter) Override(perSecond float64, burst int) error {
	other := policy.RateLimit{RequestsPerSecond: perSecond, Burst: burst}
	if err := rateRequired(other); err != nil {
		return err
	}
	other = other.WithDefaults()
	l.changing.Lock()
	defer l.changing.Unlock()
	l.override.Store(&other)
	l.fill()
	return nil
}

// Automatic puts the limiter's settings back in force.
func (l *RateLimiter) Automatic() {
	l.changing.Lock()
	defer l.changing.Unlock()
	if l.override.Swap(nil) != nil {
		l.fill()
	}
}

// Overridden reports whether [RateLimiter.Override] is in force.
func (l *RateLimiter) Overridden() bool { return l.override.Load() != nil }

// configure takes new settings in place: the bucket keeps what it holds, up to
// the new burst, and what was taken of it is still missing.
func (l *RateLimiter) configure(spec policy.RateLimit) {
	spec = spec.WithDefaults()
	spec.Name = ""
	l.changing.Lock()
	defer l.changing.Unlock()
	l.spec.store(spec)
	l.fill()
}

// fill has the bucket, or the account, go by what is in force.
func (l *RateLimiter) fill() {
	limit := l.Limit()
	if limit.Shared && l.sharing != nil {
		// The bucket gives no credit, which calls ask for first, after a change of settings:
		// no other has these.
		l.bucket.Configure(bucket.Settings{PerSecond: limit.RequestsPerSecond, Burst: limit.Burst, MaxWait: -1})
		l.share(limit)
		return
	}
	if a := l.account.Swap(nil); a != nil {
		l.sharing.leave(l.Name(), a)
	}
	l.bucket.Configure(bucket.Settings{
		PerSecond: limit.RequestsPerSecond, Burst: limit.Burst,
		PerPeriod: limit.RequestsPerPeriod, Period: limit.Per,
		Reserve: limit.Reserved(),
		MaxWait: limit.MaxWait,
	})
}

// has reports whether the limiter, which bears its name, was made from settings that
// mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	spec.Name = ""
	return spec.WithDefaults() == l.spec.load()
}
