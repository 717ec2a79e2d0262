package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/afex/hystrix-go/hystrix"
)

// hystrixGo can only be had as a whole.
var hystrixGo = System{Name: "hystrix-go", Module: "github.com/afex/hystrix-go", Note: hystrixNote, Hears: HearsNothing, Build: func(next Gateway, s Settings) (*Built, error) {
	shared := s.Breaker && s.Share > 0 && s.Window == 10*time.Second
	if s.Retry || s.RateLimit || s.Breaker && !shared || !s.Breaker && !s.Timeout {
		return nil, ErrUnsupported
	}
	config := hystrix.CommandConfig{
		Timeout:               int(s.After.Milliseconds()),
		MaxConcurrentRequests: 50_000, // it gives places back later than the call returns
		SleepWindow:           int(s.Recovery.Milliseconds()),
	}
	if s.Breaker {
		config.RequestVolumeThreshold = s.Failures
		config.ErrorPercentThreshold = int(100 * s.Share)
	}
	name := fmt.Sprint("gateway ", hystrixCommands.Add(1))
	hystrix.ConfigureCommand(name, config)
	return &Built{Gateway: hystrixGateway{next, name}}, nil
}}

const hystrixNote = "always does more than the row: breaker by share of failures within ten seconds, timeout, bulkhead and metrics. " +
	"The callee runs in a goroutine of its own and hears nothing of the timeout. No retry, no rate limit"

// hystrixCommands numbers them: hystrix-go keeps them all in one global map.
var hystrixCommands atomic.Int64

type hystrixGateway struct {
	next Gateway
	name string
}

func (g hystrixGateway) Charge(ctx context.Context, amount int) (receipt int, err error) {
	results := make(chan int, 1) // it may still be running when the caller is let go
	err = hystrix.DoC(ctx, g.name, func(ctx context.Context) error {
		receipt, err := g.next.Charge(ctx, amount)
		results <- receipt
		return err
	}, nil)
	if err != nil {
		return 0, err
	}
	return <-results, nil
}
