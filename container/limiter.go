package container

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/lease"
	"github.com/cladgo/clad/policy"
)

// RateLimiter is a rate limiter of an orchestrator: a token bucket, and a fair
// queue for calls that may wait for their token. It is safe for use by many
// goroutines.
type RateLimiter struct {
	name    atomic.Pointer[string]
	bucket  bucket.Bucket
	account atomic.Pointer[lease.Account]    // where it is shared, instead of the bucket
	sharing *sharing                         // nil without a store
	spec    atomic.Pointer[policy.RateLimit] // with its defaults
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

func (l *RateLimiter) rename(name string) {
	l.name.Store(&name)
	if known := l.spec.Load(); known != nil {
		spec := *known
		spec.Name = name
		l.spec.Store(&spec)
	}
}

// Tokens returns how many tokens there are now; of a shared limit, how many this
// instance holds. Asking takes none.
func (l *RateLimiter) Tokens() float64 {
	if a := l.account.Load(); a != nil {
		return float64(a.Status().Held)
	}
	return l.bucket.Tokens()
}

// Limit returns the limiter's settings in force, with their defaults filled in.
func (l *RateLimiter) Limit() policy.RateLimit { return *l.spec.Load() }

// configure takes new settings in place: the bucket keeps what it holds, up to
// the new burst.
func (l *RateLimiter) configure(spec policy.RateLimit) {
	spec = spec.WithDefaults()
	spec.Name = l.Name()
	l.spec.Store(&spec)
	if spec.Shared && l.sharing != nil {
		// The bucket gives no credit, which calls ask for first, after a change of settings:
		// no other has these.
		l.bucket.Configure(bucket.Settings{PerSecond: spec.RequestsPerSecond, Burst: spec.Burst, MaxWait: -1})
		l.share(spec)
		return
	}
	if a := l.account.Swap(nil); a != nil {
		l.sharing.leave(l.Name(), a)
	}
	l.bucket.Configure(bucket.Settings{PerSecond: spec.RequestsPerSecond, Burst: spec.Burst, MaxWait: spec.MaxWait})
}

// has reports whether the limiter was made from settings that mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	return spec.WithDefaults() == *l.spec.Load()
}
