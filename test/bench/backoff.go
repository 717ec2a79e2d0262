package bench

import (
	"context"

	"github.com/cenkalti/backoff/v5"
)

// cenkaltiBackoff is a retry.
var cenkaltiBackoff = System{Name: "backoff", Module: "github.com/cenkalti/backoff/v5", Note: backoffNote, Build: func(next Gateway, s Settings) (*Built, error) {
	if !s.Retry || s.RateLimit || s.Breaker || s.Timeout {
		return nil, ErrUnsupported
	}
	return &Built{Gateway: backoffGateway{next, []backoff.RetryOption{
		backoff.WithBackOff(&backoff.ZeroBackOff{}),
		backoff.WithMaxTries(uint(s.Attempts)),
		backoff.WithMaxElapsedTime(0),
	}}}, nil
}}

const backoffNote = "a retry and nothing else. It waits on a timer even for no time at all, as clad does not"

type backoffGateway struct {
	next    Gateway
	options []backoff.RetryOption
}

func (g backoffGateway) Charge(ctx context.Context, amount int) (int, error) {
	return backoff.Retry(ctx, func() (int, error) { return g.next.Charge(ctx, amount) }, g.options...)
}
