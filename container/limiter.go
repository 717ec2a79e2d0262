package container

import (
	"sync"
	"sync/atomic"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/policy"
)

// RateLimiter is a rate limiter of an orchestrator: a token bucket, and a fair
// queue for calls that may wait for their token. It is safe for use by many
// goroutines.
type RateLimiter struct {
	name   atomic.Pointer[string]
	bucket bucket.Bucket
	spec   atomic.Pointer[policy.RateLimit] // with its defaults

	changing sync.Mutex                       // what the bucket is configured with
	override atomic.Pointer[policy.RateLimit] // nil while the settings are in force
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

// Limit returns what the limiter goes by, with the defaults filled in: its settings,
// or what [RateLimiter.Override] put in their place.
func (l *RateLimiter) Limit() policy.RateLimit {
	if other := l.override.Load(); other != nil {
		limit := *l.spec.Load()
		limit.RequestsPerSecond, limit.Burst = other.RequestsPerSecond, other.Burst
		return limit
	}
	return *l.spec.Load()
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
// the new burst.
func (l *RateLimiter) configure(spec policy.RateLimit) {
	spec = spec.WithDefaults()
	spec.Name = l.Name()
	l.changing.Lock()
	defer l.changing.Unlock()
	l.spec.Store(&spec)
	l.fill()
}

// fill has the bucket go by what is in force.
func (l *RateLimiter) fill() {
	limit := l.Limit()
	l.bucket.Configure(bucket.Settings{PerSecond: limit.RequestsPerSecond, Burst: limit.Burst, MaxWait: limit.MaxWait})
}

// has reports whether the limiter was made from settings that mean the same.
func (l *RateLimiter) has(spec policy.RateLimit) bool {
	return spec.WithDefaults() == *l.spec.Load()
}
