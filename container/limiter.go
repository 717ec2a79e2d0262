package container

import (
	"sync/atomic"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/policy"
)

// RateLimiter is a rate limiter of an orchestrator: a token bucket or the tokens of a
// period, and a fair queue for calls that may wait for their token. It is safe for use by many
// goroutines.
type RateLimiter struct {
	name   atomic.Pointer[string]
	bucket bucket.Bucket
	spec   atomic.Pointer[policy.RateLimit] // with its defaults
}

func newRateLimiter(name string, spec policy.RateLimit) *RateLimiter {
	l := &RateLimiter{}
	l.rename(name)
	l.configure(spec)
	return l
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

// Tokens returns how many tokens there are now. Asking takes none.
func (l *RateLimiter) Tokens() float64 { return l.bucket.Tokens() }

// Limit returns the limiter's settings in force, with their defaults filled in.
func (l *RateLimiter) Limit() policy.RateLimit { return *l.spec.Load() }

// configure takes new settings in place: the bucket keeps what it holds, up to
// the new burst, and what was taken of it is still missing.
func (l *RateLimiter) configure(spec policy.RateLimit) {
	spec = spec.WithDefaults()
	spec.Name = l.Name()
	l.spec.Store(&spec)
	l.bucket.Configure(bucket.Settings{
		PerSecond: spec.RequestsPerSecond, Burst: spec.Burst,
		PerPeriod: spec.RequestsPerPeriod, Period: spec.Per,
		MaxWait: spec.MaxWait,
	})
}

// has reports whether the limiter was made from settings that mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	return spec.WithDefaults() == *l.spec.Load()
}
