package bench

import (
	"context"

	"github.com/go-kratos/aegis/circuitbreaker"
	"github.com/go-kratos/aegis/circuitbreaker/sre"
)

// aegis throttles by chance, the more the larger the share of failures within
// the window; it never opens for good. Its rate limiter follows the load of the
// machine, so it is not what a rate limit asks for.
var aegis = System{Name: "aegis", Build: func(next Gateway, s Settings) (*Built, error) {
	if s.Retry || s.RateLimit || s.Timeout || !s.Breaker || s.Share == 0 {
		return nil, ErrUnsupported
	}
	return &Built{Gateway: aegisGateway{next, sre.NewBreaker(
		sre.WithSuccess(s.Share),
		sre.WithRequest(int64(s.Failures)),
		sre.WithWindow(s.Window),
	)}}, nil
}}

type aegisGateway struct {
	next    Gateway
	breaker circuitbreaker.CircuitBreaker
}

func (g aegisGateway) Charge(ctx context.Context, amount int) (int, error) {
	if err := g.breaker.Allow(); err != nil {
		return 0, err
	}
	receipt, err := g.next.Charge(ctx, amount)
	if err != nil {
		g.breaker.MarkFailed()
		return receipt, err
	}
	g.breaker.MarkSuccess()
	return receipt, nil
}
