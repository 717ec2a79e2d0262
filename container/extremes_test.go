package container_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

// What Validate accepts is honoured to the very ends of its range: "for ever" is
// often written as the longest duration there is.
func TestTheLongestDurations(t *testing.T) {
	const forever = time.Duration(math.MaxInt64)
	virtual(t, func(t *testing.T) {
		for name, layers := range map[string][]policy.Policy{
			"timeout":             {policy.Timeout(forever)},
			"max elapsed":         {policy.Retry{MaxElapsed: forever, Backoff: policy.Fixed(0)}},
			"max wait":            {policy.RateLimit{RequestsPerSecond: 1, Burst: 1, MaxWait: forever}},
			"window":              {policy.CircuitBreaker{FailureThreshold: 1, Window: forever}},
			"rate within it":      {policy.CircuitBreaker{FailureRate: 0.25, MinRequests: 1, Window: forever}},
			"half of it":          {policy.CircuitBreaker{FailureThreshold: 1, Window: forever / 2}},
			"recovery timeout":    {policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: forever}},
			"probe timeout":       {policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Second, ProbeTimeout: forever, SuccessThreshold: 1}},
			"the shortest window": {policy.CircuitBreaker{FailureThreshold: 1, Window: 1}},
		} {
			for _, layer := range layers {
				if err := layer.Validate(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			p, o := under(t, layers...)
			for range 3 { // the limiter's second and third wait for their token
				if err := p.Run(t.Context(), func(ctx context.Context) error { return ctx.Err() }); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if name == "timeout" || name == "max elapsed" || name == "max wait" {
				continue
			}
			_ = p.Run(t.Context(), always(errDown))
			err := p.Run(t.Context(), works)
			if after, _ := policy.RetryAfter(err); after <= 0 || o.Metrics().CircuitBreakerTrips != 1 {
				t.Errorf("%s: after a failure: %v, to come back in %v", name, err, after)
			}
			time.Sleep(time.Hour)
			if err := p.Run(t.Context(), works); (err == nil) != (name != "recovery timeout") {
				t.Errorf("%s: an hour later: %v", name, err)
			}
		}
	})
}

func TestTheLongestBackoffEndsWithTheCaller(t *testing.T) {
	virtual(t, func(t *testing.T) {
		p, _ := under(t, policy.Retry{Backoff: policy.Exponential{Initial: math.MaxInt64, Jitter: true}})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		var err error
		if passed := took(func() { err = p.Run(ctx, always(errDown)) }); passed != time.Minute {
			t.Errorf("it took %v", passed)
		}
		wantIs(t, err, policy.ErrCancelled, errDown)
	})
}

func TestTheSlowestAndTheFastestRate(t *testing.T) {
	virtual(t, func(t *testing.T) {
		for _, rate := range []float64{math.SmallestNonzeroFloat64, 1e-300, 1e-9, 1e18, 1e300, math.MaxFloat64} {
			p, l := limited(t, policy.RateLimit{RequestsPerSecond: rate, Burst: 1})
			if err := p.Run(t.Context(), works); err != nil {
				t.Errorf("%v/s: the first: %v", rate, err)
			}
			err := p.Run(t.Context(), works)
			after, _ := policy.RetryAfter(err)
			if err != nil && after <= 0 {
				t.Errorf("%v/s: come back in %v", rate, after)
			}
			if rate < 1 && (err == nil || after < time.Hour) {
				t.Errorf("%v/s: %v, come back in %v", rate, err, after)
			}
			time.Sleep(min(after, 1000*time.Hour))
			if err := p.Run(t.Context(), works); rate > 1 && err != nil {
				t.Errorf("%v/s: waited as told, and %v", rate, err)
			}
			if tokens := l.Tokens(); math.IsNaN(tokens) || tokens > 1 {
				t.Errorf("%v/s: %v tokens", rate, tokens)
			}
		}
	})
}
