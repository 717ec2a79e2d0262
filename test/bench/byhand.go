package bench

import (
	"context"
	"errors"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"
)

// byHand nests gobreaker, x/time/rate, context.WithTimeout and a loop, as one
// writes it for a single method.
var byHand = System{Name: "by hand", Module: "github.com/sony/gobreaker/v2", Note: byHandNote, Build: func(next Gateway, s Settings) (*Built, error) {
	h := &handNested{next: next, attempts: s.Attempts, timeout: s.After}
	if s.RateLimit {
		h.limiter = rate.NewLimiter(rate.Limit(s.Rate), s.Burst)
	}
	if s.Breaker {
		h.breaker = gobreaker.NewCircuitBreaker[int](breakerSettings(s))
	}
	switch {
	case s.Retry && s.RateLimit && s.Breaker && s.Timeout:
		return &Built{Gateway: handAll{h}}, nil
	case s.Retry:
		return &Built{Gateway: handRetry{h}}, nil
	case s.RateLimit:
		return &Built{Gateway: handLimit{h}}, nil
	case s.Breaker:
		return &Built{Gateway: handBreaker{h}}, nil
	case s.Timeout:
		return &Built{Gateway: handTimeout{h}}, nil
	}
	return nil, ErrUnsupported
}}

const byHandNote = "gobreaker, golang.org/x/time/rate, context.WithTimeout and a loop, written out for one method. " +
	"It counts nothing, logs nothing, its settings are fixed, a caller who gives up counts as a failure of the dependency, " +
	"and its timeout is not told from the caller's"

func breakerSettings(s Settings) gobreaker.Settings {
	settings := gobreaker.Settings{
		Timeout: s.Recovery,
		ReadyToTrip: func(c gobreaker.Counts) bool {
			switch {
			case s.Share > 0:
				return c.Requests >= uint32(s.Failures) && float64(c.TotalFailures) >= s.Share*float64(c.Requests)
			case s.Window > 0:
				return c.TotalFailures >= uint32(s.Failures)
			default:
				return c.ConsecutiveFailures >= uint32(s.Failures)
			}
		},
	}
	if s.Window > 0 {
		settings.Interval, settings.BucketPeriod = s.Window, s.Window/10
	}
	return settings
}

type handNested struct {
	next     Gateway
	limiter  *rate.Limiter
	breaker  *gobreaker.CircuitBreaker[int]
	attempts int
	timeout  time.Duration
}

var errLimited = errors.New("rate limited")

type handAll struct{ *handNested }

func (h handAll) Charge(ctx context.Context, amount int) (receipt int, err error) {
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if h.limiter.Allow() {
			receipt, err = h.breaker.Execute(func() (int, error) {
				ctx, cancel := context.WithTimeout(ctx, h.timeout)
				defer cancel()
				return h.next.Charge(ctx, amount)
			})
		} else {
			err = errLimited
		}
		if err == nil || attempt == h.attempts || !retryable(err) {
			return receipt, err
		}
	}
}

// retryable is what anybody's loop has to ask before it repeats.
func retryable(err error) bool {
	return !errors.Is(err, gobreaker.ErrOpenState) && !errors.Is(err, gobreaker.ErrTooManyRequests) &&
		!errors.Is(err, context.Canceled)
}

type handRetry struct{ *handNested }

func (h handRetry) Charge(ctx context.Context, amount int) (receipt int, err error) {
	for attempt := 1; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		receipt, err = h.next.Charge(ctx, amount)
		if err == nil || attempt == h.attempts || !retryable(err) {
			return receipt, err
		}
	}
}

type handLimit struct{ *handNested }

func (h handLimit) Charge(ctx context.Context, amount int) (int, error) {
	if !h.limiter.Allow() {
		return 0, errLimited
	}
	return h.next.Charge(ctx, amount)
}

type handBreaker struct{ *handNested }

func (h handBreaker) Charge(ctx context.Context, amount int) (int, error) {
	return h.breaker.Execute(func() (int, error) { return h.next.Charge(ctx, amount) })
}

type handTimeout struct{ *handNested }

func (h handTimeout) Charge(ctx context.Context, amount int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	return h.next.Charge(ctx, amount)
}
