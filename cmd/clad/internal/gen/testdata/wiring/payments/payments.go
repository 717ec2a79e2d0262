// Package payments is a domain: interfaces, and constructors that provide them.
package payments

import (
	"context"
	"net/http"

	"go.uber.org/fx"
)

type (
	Gateway interface {
		Charge(ctx context.Context, cents int) (string, error)
	}
	Ledger interface {
		Append(ctx context.Context, entry string) error
	}
	Rates interface {
		Rate(ctx context.Context, currency string) (float64, error)
	}
	Mailer interface {
		Mail(ctx context.Context, to string) error
	}
	Auditor interface {
		Audit(ctx context.Context, what string) error
	}
	Handler interface {
		Handle(ctx context.Context, event string) error
	}
	Fraud interface {
		Check(ctx context.Context) error
	}
	Search interface {
		Find(ctx context.Context, q string) ([]string, error)
	}
	Queue interface {
		Push(ctx context.Context, s string) error
	}
	Cache interface {
		Get(ctx context.Context, key string) (string, error)
	}
	Clock interface {
		Now(ctx context.Context) (int64, error)
	}
	Vault interface {
		Secret(ctx context.Context) (string, error)
	}
	Tracer interface {
		Trace(ctx context.Context) error
	}
	Identity interface {
		Who(ctx context.Context) (string, error)
	}
	Repo[T any] interface {
		Find(ctx context.Context, id string) (T, error)
	}
	Feature interface {
		On(ctx context.Context) (bool, error)
	}
	Store interface {
		Save(ctx context.Context) error
	}
	Probe interface {
		Probe(ctx context.Context) error
	}
	Events interface {
		Emit(ctx context.Context) error
	}
	Geo interface {
		Locate(ctx context.Context) error
	}
	Tax interface {
		Tax(ctx context.Context) error
	}
	Token interface {
		Token(ctx context.Context) error
	}
	Unused interface {
		Unused(ctx context.Context) error
	}
)

type Stripe struct{}

func (*Stripe) Charge(context.Context, int) (string, error) { return "ok", nil }

func NewGateway() Gateway                 { return &Stripe{} }
func NewStripe() *Stripe                  { return &Stripe{} }
func OpenLedger() (Ledger, func(), error) { return nil, func() {}, nil }
func NewRates() (Rates, error)            { return nil, nil }
func NewMailer() Mailer                   { return nil }
func NewAuditor() Auditor                 { return nil }
func NewHandlers() []Handler              { return nil }
func NewFraud() Fraud                     { return nil }
func NewSearch() (Search, Queue)          { return nil, nil }
func NewCache() Cache                     { return nil }
func NewClock() Clock                     { return nil }
func NewTracer() Tracer                   { return nil }
func NewRepo[T any]() Repo[T]             { return nil }
func NewClient() (*http.Client, error)    { return nil, nil }
func NewTransport() http.RoundTripper     { return nil }
func NewUnused() Unused                   { return nil }

type Vaults struct{ Addr string }

func (v Vaults) Open() Vault { return nil }

type (
	User  struct{ Name string }
	Order struct{ ID string }
)

type Out struct {
	fx.Out

	Identity Identity  `policy:"external"`
	Features []Feature `group:"features,flatten"`
	Plain    Store     `name:"store"`
	Nested   Nested
	Config   Config
	Bare     Unused `policy:"none"`
}

type Nested struct {
	fx.Out

	Probe Probe `name:"probe" policy:"database"`
}

type Config struct{ N int }

func NewOut() (Out, error) { return Out{}, nil }

// Functions need no proxy.
type Functions struct {
	Do func(context.Context) error
}

func NewFunctions() Functions                  { return Functions{} }
func NewFunction() func(context.Context) error { return nil }
