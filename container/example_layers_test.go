package container_test

import (
	"context"
	"fmt"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// prices is a dependency whose method may be asked twice at once, pricesProxy what
// `clad gen` writes for it.
type prices interface {
	//clad:safe
	Price(ctx context.Context, symbol string) (int, error)
}

type pricesProxy struct {
	next  prices
	price *container.Pipeline
}

func (p *pricesProxy) Price(ctx context.Context, symbol string) (price int, err error) {
	call := p.price.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			price, err = container.Hedged(h, func(ctx context.Context) (int, error) { return p.next.Price(ctx, symbol) })
			continue
		}
		price, err = p.next.Price(call.Context(), symbol)
	}
	return price, err
}

// ticker hangs at the first call, until that is given up.
type ticker struct{ calls chan int }

func (t ticker) Price(ctx context.Context, _ string) (int, error) {
	n := <-t.calls
	if n == 1 {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	return 42, nil
}

func ExampleHedged() {
	container.RegisterProxy(func(next prices, m container.Methods) prices {
		return &pricesProxy{next, m.Hedges("Price")}
	})
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"quick": policy.Hedge{Delay: 10 * time.Millisecond, Budget: 1},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	calls := make(chan int, 2)
	calls <- 1
	calls <- 2
	if err := c.Provide(container.Tag(func() prices { return ticker{calls} }, "quick")); err != nil {
		fmt.Println(err)
		return
	}
	err = c.Invoke(func(p prices) {
		fmt.Println(p.Price(context.Background(), "GO"))
	})
	m := c.Orchestrator().Metrics()
	fmt.Println(m.Hedges, "hedge,", m.HedgesWon, "faster;", err)
	// Output:
	// 42 <nil>
	// 1 hedge, 1 faster; <nil>
}

// Of two permits one is kept for essential calls.
func ExampleBulkhead() {
	o, err := container.NewOrchestrator(policy.Catalog{Policies: map[string]policy.Policy{
		"bank": policy.Bulkhead{MaxConcurrent: 2, Reserve: 0.5},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	bank, err := o.Pipeline("bank")
	if err != nil {
		fmt.Println(err)
		return
	}
	ask := func(context.Context) error { return nil }
	err = bank.Run(context.Background(), func(ctx context.Context) error { // has a permit
		report := policy.WithCriticality(ctx, policy.Sheddable)
		fmt.Println("report:", bank.Run(report, ask))
		fmt.Println("payment:", bank.Run(ctx, ask))
		return nil
	})
	fmt.Println(err)
	// Output:
	// report: bank: bulkhead "bank" is full
	// payment: <nil>
	// <nil>
}
