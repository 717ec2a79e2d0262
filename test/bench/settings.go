package bench

import (
	"math"
	"time"

	"github.com/cladgo/clad/policy"
)

// Settings say which protection a row asks of every system, in plain numbers.
type Settings struct {
	Retry, RateLimit, Breaker, Timeout bool

	Attempts int           // of a retry, the first included; no delay between them
	Rate     float64       // of a rate limit, per second
	Burst    int           // of a rate limit
	Failures int           // in a row, or within Window, until the breaker trips
	Share    float64       // of failures within Window that trips it, from Failures requests on
	Window   time.Duration // rolling
	Recovery time.Duration // of the breaker
	After    time.Duration // of the timeout
}

// settings are those of production, but for a burst that no benchmark uses up:
// a limiter with tokens left does the same work, however many there are.
func settings() Settings {
	return Settings{
		Attempts: 3,
		Rate:     1000,
		Burst:    math.MaxInt32,
		Failures: 5,
		Recovery: time.Hour,
		After:    time.Minute,
	}
}

// Policy is what the settings are for clad, outermost layer first: retry, rate
// limit, breaker, timeout. The other systems nest the same way.
func (s Settings) Policy() policy.Policy {
	layers := make([]policy.Policy, 0, 4)
	if s.Retry {
		layers = append(layers, policy.Retry{MaxAttempts: s.Attempts, Backoff: policy.Fixed(0)})
	}
	if s.RateLimit {
		layers = append(layers, policy.RateLimit{Name: limiterName, RequestsPerSecond: s.Rate, Burst: s.Burst})
	}
	if s.Breaker {
		b := policy.CircuitBreaker{Window: s.Window, RecoveryTimeout: s.Recovery}
		if s.Share > 0 {
			b.FailureRate, b.MinRequests = s.Share, uint32(s.Failures)
		} else {
			b.FailureThreshold = uint32(s.Failures)
		}
		layers = append(layers, b)
	}
	if s.Timeout {
		layers = append(layers, policy.Timeout(s.After))
	}
	return policy.Combine(layers...)
}

// limiterName makes the limiter known to the orchestrator, so that the tokens
// that calls took can be counted.
const limiterName = "tokens"
