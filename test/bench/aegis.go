package bench

import (
	"context"

	"github.com/go-kratos/aegis/circuitbreaker"
	"github.com/go-kratos/aegis/circuitbreaker/sre"
)

// aegis has a breaker that throttles.
var aegis = System{Name: "aegis", Module: "github.com/go-kratos/aegis", Note: aegisNote, Build: func(next Gateway, s Settings) (*Built, error) {
	if s.Retry || s.RateLimit || s.Timeout || !s.Breaker || s.Share == 0 {
		return nil, ErrUnsupported
	}
	return &Built{Gateway: aegisGateway{next, sre.NewBreaker(
		sre.WithSuccess(s.Share),
		sre.WithRequest(int64(s.Failures)),
		sre.WithWindow(s.Window),
	)}}, nil
}}

const aegisNote = "its breaker throttles by chance, the more the larger the share of failures within the window, and never opens for good. " +
	"Its rate limiter follows the load of the machine, which no test can exhaust at will: it is left out"

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
