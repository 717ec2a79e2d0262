package bench

import (
	"context"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/ratelimiter"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
)

// failsafeGo composes the policies of failsafe-go in the order of clad's.
var failsafeGo = System{Name: "failsafe-go", Module: "github.com/failsafe-go/failsafe-go", Note: failsafeNote, Hears: HearsEnd, Build: func(next Gateway, s Settings) (*Built, error) {
	var policies []failsafe.Policy[int]
	if s.Retry {
		policies = append(policies, retrypolicy.NewBuilder[int]().WithMaxAttempts(s.Attempts).Build())
	}
	if s.RateLimit {
		period := time.Duration(float64(s.Burst) / s.Rate * float64(time.Second))
		policies = append(policies, ratelimiter.NewBursty[int](uint(s.Burst), period))
	}
	if s.Breaker {
		b := circuitbreaker.NewBuilder[int]().WithDelay(s.Recovery)
		switch {
		case s.Share > 0:
			b = b.WithFailureRateThreshold(s.Share, uint(s.Failures), s.Window)
		case s.Window > 0:
			b = b.WithFailureThresholdPeriod(uint(s.Failures), s.Window)
		default:
			b = b.WithFailureThreshold(uint(s.Failures))
		}
		policies = append(policies, b.Build())
	}
	if s.Timeout {
		policies = append(policies, timeout.New[int](s.After))
	}
	return &Built{Gateway: failsafeGateway{next, failsafe.With(policies...)}}, nil
}}

const failsafeNote = "does the same four, and offers listeners at every step and asynchronous execution. It keeps no counters. " +
	"The callee's context ends with the timeout and does not say beforehand when: there is no deadline to pass on"

type failsafeGateway struct {
	next     Gateway
	executor failsafe.Executor[int]
}

func (g failsafeGateway) Charge(ctx context.Context, amount int) (int, error) {
	return g.executor.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[int]) (int, error) {
		return g.next.Charge(e.Context(), amount)
	})
}
