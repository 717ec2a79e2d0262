// Package market is a dependency whose values can do more than the interface that
// is tagged, and a program that counts on it.
package market

import (
	"context"
	"errors"
	"io"

	"github.com/cladgo/clad/container"
	"go.uber.org/fx"
)

//go:generate go tool clad gen

// Module provides two markets and what needs them.
var Module = fx.Module("market", fx.Provide(
	container.Tag(newExchange, "external_api", container.Keep[io.Closer](), container.Method("Session", "database")),
	container.Tag(fx.Annotate(newBazaar, fx.ResultTags(`name:"bazaar"`)), "external_api"),
	NewTrader,
))

// Market is what is tagged.
type Market interface {
	Trade(ctx context.Context) error
}

// Sessions is what some markets have beside it.
type Sessions interface {
	Session(ctx context.Context) (string, error)
}

var errBusy = errors.New("busy")

// Exchange has sessions, an end, and a type of its own.
type Exchange struct {
	Name             string
	trades, sessions int
	closed           bool
}

func newExchange() Market { return &Exchange{Name: "exchange"} }

// Trade works at the second attempt.
func (x *Exchange) Trade(context.Context) error {
	if x.trades++; x.trades == 1 {
		return errBusy
	}
	return nil
}

// Session works at the second attempt.
func (x *Exchange) Session(context.Context) (string, error) {
	if x.sessions++; x.sessions == 1 {
		return "", errBusy
	}
	return "session", nil
}

// Close is for whoever asks for an io.Closer by reflection, or in another module.
func (x *Exchange) Close() error {
	x.closed = true
	return nil
}

// bazaar has nothing more.
type bazaar struct{ trades int }

func newBazaar() Market { return &bazaar{} }

func (b *bazaar) Trade(context.Context) error {
	if b.trades++; b.trades == 1 {
		return errBusy
	}
	return nil
}

// Trader needs both markets, and makes use of what they can do.
type Trader struct{ markets []Market }

// NewTrader returns a trader.
func NewTrader(in struct {
	fx.In
	Exchange Market
	Bazaar   Market `name:"bazaar"`
}) *Trader {
	return &Trader{[]Market{in.Exchange, in.Bazaar}}
}

// Trade trades at each market and tells what it found there.
func (t *Trader) Trade(ctx context.Context) ([]string, error) {
	var found []string
	for _, m := range t.markets {
		if err := m.Trade(ctx); err != nil {
			return nil, err
		}
		if s, ok := m.(Sessions); ok {
			session, err := s.Session(ctx)
			if err != nil {
				return nil, err
			}
			found = append(found, session)
		}
		if x, ok := container.Unwrap(m).(*Exchange); ok {
			found = append(found, x.Name)
		}
	}
	return found, nil
}

// Close ends the markets that have an end. How it finds out is what no generator
// sees.
func (t *Trader) Close() (closed int, err error) {
	for _, m := range t.markets {
		if c, ok := asCloser(m); ok {
			closed++
			err = errors.Join(err, c.Close())
		}
	}
	return closed, err
}

func asCloser(v any) (io.Closer, bool) {
	c, ok := v.(io.Closer)
	return c, ok
}
