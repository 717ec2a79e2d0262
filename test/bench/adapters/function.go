package adapters

import (
	"context"
)

// Rate is a dependency that is a function.
type Rate func(ctx context.Context, cents int) (int, error)

// Rates are two of them.
type Rates struct {
	Buy  func(ctx context.Context, cents int) (int, error)
	Sell func(ctx context.Context, cents int) (int, error)
}

func rate(_ context.Context, cents int) (int, error) { return cents + 1, nil }

func newRate() Rate { return rate }

func newRates() Rates { return Rates{rate, rate} }

func functionCases() []Case {
	of := func(f func(context.Context, int) (int, error)) *opened {
		return &opened{call: func(ctx context.Context) error {
			_, err := f(ctx, 100)
			return err
		}, close: func() error { return nil }}
	}
	resolved := func(ctor, use any, operation string, made **opened) (*opened, error) {
		c, err := tagged(ctor)
		if err != nil {
			return nil, err
		}
		if err := c.Invoke(use); err != nil {
			return nil, err
		}
		(*made).protected = books(c.Orchestrator(), operation)
		return *made, nil
	}
	return []Case{
		{Row: "function", System: "bare", open: func() (*opened, error) { return of(newRate()), nil }},
		{Row: "function", System: "clad", Form: "function", open: func() (made *opened, err error) {
			return resolved(newRate, func(r Rate) { made = of(r) }, "adapters.Rate", &made)
		}},
		{Row: "functions", System: "bare", open: func() (*opened, error) { return of(newRates().Buy), nil }},
		{Row: "functions", System: "clad", Form: "struct", open: func() (made *opened, err error) {
			return resolved(newRates, func(r Rates) { made = of(r.Buy) }, "adapters.Rates.Buy", &made)
		}},
	}
}
