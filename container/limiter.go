package container

import (
	"sync/atomic"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/policy"
)

// RateLimiter is a rate limiter of an orchestrator: a token bucket, and a fair
// queue for calls that may wait for their token. It is safe for use by many
// goroutines.
type RateLimiter struct {
	name   string
	bucket bucket.Bucket
	spec   atomic.Pointer[policy.RateLimit] // with its defaults
}

func newRateLimiter(name string, spec policy.RateLimit) *RateLimiter {
	l := &RateLimiter{name: name}
	l.configure(spec)
	return l
}

// Name returns the limiter's name: its own, or the service or operation that it
// belongs to.
func (l *RateLimiter) Name() string { return l.name }

// Tokens returns how many tokens there are now. Asking takes none.
func (l *RateLimiter) Tokens() float64 { return l.bucket.Tokens() }

// Limit returns the limiter's settings in force, with their defaults filled in.
func (l *RateLimiter) Limit() policy.RateLimit { return *l.spec.Load() }

// configure takes new settings in place: the bucket keeps what it holds, up to
// the new burst.
func (l *RateLimiter) configure(spec policy.RateLimit) {
	spec = spec.WithDefaults()
	spec.Name = l.name
	l.spec.Store(&spec)
	l.bucket.Configure(bucket.Settings{PerSecond: spec.RequestsPerSecond, Burst: spec.Burst, MaxWait: spec.MaxWait})
}

// has reports whether the limiter was made from settings that mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	return spec.WithDefaults() == *l.spec.Load()
}
