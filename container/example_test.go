package container_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// quotes is a dependency, quotesProxy what `clad gen` writes for it.
type quotes interface {
	Quote(ctx context.Context, symbol string) (int, error)
}

type quotesProxy struct {
	next  quotes
	quote *container.Pipeline
}

func (p *quotesProxy) Quote(ctx context.Context, symbol string) (price int, err error) {
	call := p.quote.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		price, err = p.next.Quote(call.Context(), symbol)
	}
	return price, err
}

// exchange fails at every first call.
type exchange struct{ calls int }

func (e *exchange) Quote(context.Context, string) (int, error) {
	if e.calls++; e.calls == 1 {
		return 0, errors.New("connection reset")
	}
	return 42, nil
}

func newExchange() quotes { return &exchange{} }

func ExampleTag() {
	container.RegisterProxy(func(next quotes, m container.Methods) quotes {
		return &quotesProxy{next, m.Method("Quote")}
	})
	catalog := policy.Catalog{Policies: map[string]policy.Policy{
		"external_api": policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)}, policy.Timeout(time.Second)),
	}}
	fx.New(
		fx.NopLogger,
		fx.Provide( // what package module does, from a profile
			func() (*container.Orchestrator, error) { return container.NewOrchestrator(catalog) },
			container.NamedValues(catalog),
		),
		fx.Provide(container.Tag(newExchange, "external_api")),
		fx.Invoke(func(q quotes) { // knows nothing of it
			fmt.Println(q.Quote(context.Background(), "GO"))
		}),
	)
	// Output: 42 <nil>
}

func ExampleNew() {
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"external_api": policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(0)},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	type hello func(ctx context.Context, name string) (string, error)
	attempts := 0
	err = c.Provide(container.Tag(func() hello { // functions need no proxy
		return func(_ context.Context, name string) (string, error) {
			if attempts++; attempts == 1 {
				return "", errors.New("not yet")
			}
			return "hello, " + name, nil
		}
	}, "external_api"))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Invoke(func(h hello) { fmt.Println(h(context.Background(), "world")) })
	fmt.Println(err)
	// Output:
	// hello, world <nil>
	// <nil>
}

func ExampleOrchestrator_For() {
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		fmt.Println(err)
		return
	}
	runner, err := o.For("reports.render", policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		err = runner.Run(context.Background(), func(context.Context) error { return errors.New("out of paper") })
		if after, ok := policy.RetryAfter(err); ok {
			fmt.Println("come back in", after.Round(time.Second))
			continue
		}
		fmt.Println(err)
	}
	fmt.Println(o.Metrics().CircuitBreakerTrips, "trip")
	// Output:
	// out of paper
	// out of paper
	// come back in 1s
	// 1 trip
}

func ExampleOrchestrator_RegisterCircuitBreaker() {
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := o.RegisterCircuitBreaker("bank", policy.CircuitBreaker{FailureThreshold: 10}); err != nil {
		fmt.Println(err)
		return
	}
	_, err = o.For("charge", policy.Combine(policy.Retry{}, policy.CircuitBreaker{Name: "banks"}))
	fmt.Println(err)
	_, err = o.For("charge", policy.Combine(policy.Retry{}, policy.CircuitBreaker{Name: "bank"}))
	fmt.Println(err)
	// Output:
	// charge: no circuit breaker "banks" (did you mean "bank"?); there are: bank
	// <nil>
}

func ExampleOnTransition() {
	o, err := container.NewOrchestrator(
		policy.Catalog{CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {}}},
		container.OnTransition(func(t container.Transition) { fmt.Println(t.Name, "went from", t.From, "to", t.To) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	bank, _ := o.CircuitBreaker("bank")
	bank.ForceOpen()
	bank.Reset()
	// Output:
	// bank went from closed to open
	// bank went from open to closed
}

func ExampleMethod() {
	catalog := policy.Catalog{Policies: map[string]policy.Policy{
		"external_api": policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)},
	}}
	c, err := container.New(catalog)
	if err != nil {
		fmt.Println(err)
		return
	}
	type bank struct {
		Balance func(context.Context) error
		Charge  func(context.Context) error // not safe to repeat
	}
	attempts := map[string]int{}
	call := func(name string) func(context.Context) error {
		return func(context.Context) error { attempts[name]++; return errors.New("no answer") }
	}
	err = c.Provide(container.Tag(func() bank { return bank{call("Balance"), call("Charge")} },
		"external_api", container.Method("Charge", "none")))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = c.Invoke(func(b bank) {
		_, _ = b.Balance(context.Background()), b.Charge(context.Background())
	})
	fmt.Println(attempts, err)
	// Output: map[Balance:3 Charge:1] <nil>
}
