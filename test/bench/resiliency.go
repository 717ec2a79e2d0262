package bench

import (
	"context"
	"time"

	"github.com/eapache/go-resiliency/breaker"
	"github.com/eapache/go-resiliency/deadline"
	"github.com/eapache/go-resiliency/retrier"
)

// goResiliency is a set of separate parts.
var goResiliency = System{Name: "go-resiliency", Module: "github.com/eapache/go-resiliency", Note: resiliencyNote, Hears: HearsNothing, Build: func(next Gateway, s Settings) (*Built, error) {
	switch {
	case s.RateLimit || s.Window > 0:
		return nil, ErrUnsupported
	case s.Retry:
		return &Built{Gateway: resiliencyRetry{next, retrier.New(make([]time.Duration, s.Attempts-1), nil)}}, nil
	case s.Breaker:
		return &Built{Gateway: resiliencyBreaker{next, breaker.New(s.Failures, 3, s.Recovery)}}, nil
	case s.Timeout:
		return &Built{Gateway: resiliencyDeadline{next, deadline.New(s.After)}}, nil
	}
	return nil, ErrUnsupported
}}

const resiliencyNote = "separate parts, each small: no rate limit, no windows, no metrics, no time of the next probe, no names. " +
	"Any error is a failure to its breaker, a caller's cancellation too, and it does not limit its probes. " +
	"Its deadline runs the callee in a goroutine of its own, whose context hears nothing of it"

type resiliencyRetry struct {
	next    Gateway
	retrier *retrier.Retrier
}

func (g resiliencyRetry) Charge(ctx context.Context, amount int) (receipt int, err error) {
	err = g.retrier.RunCtx(ctx, func(ctx context.Context) (err error) {
		receipt, err = g.next.Charge(ctx, amount)
		return err
	})
	return receipt, err
}

type resiliencyBreaker struct {
	next    Gateway
	breaker *breaker.Breaker
}

func (g resiliencyBreaker) Charge(ctx context.Context, amount int) (receipt int, err error) {
	err = g.breaker.Run(func() (err error) {
		receipt, err = g.next.Charge(ctx, amount)
		return err
	})
	return receipt, err
}

type resiliencyDeadline struct {
	next     Gateway
	deadline *deadline.Deadline
}

func (g resiliencyDeadline) Charge(ctx context.Context, amount int) (int, error) {
	results := make(chan int, 1) // it may still be running when the caller is let go
	err := g.deadline.Run(func(<-chan struct{}) error {
		receipt, err := g.next.Charge(ctx, amount)
		results <- receipt
		return err
	})
	if err != nil {
		return 0, err
	}
	return <-results, nil
}
