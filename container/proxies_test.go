package container_test

import (
	"context"
	"errors"
	"math/rand" //nolint:depguard // its Source and that of v2 share a short name
	randv2 "math/rand/v2"

	"github.com/cladgo/clad/container"
)

// gateway is a dependency as applications have them, and gatewayProxy is what is
// generated for it.
type gateway interface {
	Charge(ctx context.Context, amount int) (string, error)
	Refund(ctx context.Context, receipt string) error
	Close() error
}

type gatewayProxy struct {
	next                  gateway
	charge, refund, close *container.Pipeline
}

func (p *gatewayProxy) Charge(ctx context.Context, amount int) (receipt string, err error) {
	call := p.charge.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		receipt, err = p.next.Charge(call.Context(), amount)
	}
	return receipt, err
}

func (p *gatewayProxy) Refund(ctx context.Context, receipt string) (err error) {
	call := p.refund.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Refund(call.Context(), receipt)
	}
	return err
}

func (p *gatewayProxy) Close() (err error) {
	call := p.close.Begin(context.Background())
	defer call.End()
	for call.Next(&err) {
		err = p.next.Close()
	}
	return err
}

// ledger is another, with methods of other kinds.
type ledger interface {
	Append(ctx context.Context, entry string) error
	Balance() (int, error)
	Name() string
}

type ledgerProxy struct {
	next            ledger
	append, balance *container.Pipeline
}

func (p *ledgerProxy) Append(ctx context.Context, entry string) (err error) {
	call := p.append.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Append(call.Context(), entry)
	}
	return err
}

func (p *ledgerProxy) Balance() (balance int, err error) {
	call := p.balance.Begin(context.Background())
	defer call.End()
	for call.Next(&err) {
		balance, err = p.next.Balance()
	}
	return balance, err
}

func (p *ledgerProxy) Name() string { return p.next.Name() }

// repository is generic: each instance is a type of its own.
type repository[T any] interface {
	Get(ctx context.Context, id string) (T, error)
}

type repositoryProxy[T any] struct {
	next repository[T]
	get  *container.Pipeline
}

func (p *repositoryProxy[T]) Get(ctx context.Context, id string) (value T, err error) {
	call := p.get.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		value, err = p.next.Get(call.Context(), id)
	}
	return value, err
}

// unproxied has no proxy.
type unproxied interface {
	Do(ctx context.Context) error
}

func registerProxies() {
	container.RegisterProxy(func(next rand.Source, _ container.Methods) rand.Source { return next })
	container.RegisterProxy(func(next randv2.Source, _ container.Methods) randv2.Source { return next })
	container.RegisterProxy(func(next gateway, m container.Methods) gateway {
		return &gatewayProxy{next, m.Method("Charge"), m.Method("Refund"), m.Optional("Close")}
	})
	container.RegisterProxy(func(next ledger, m container.Methods) ledger {
		m.Unguarded("Name", "it returns no error")
		return &ledgerProxy{next, m.Once("Append"), m.WithoutContext("Balance")}
	})
	container.RegisterProxy(func(next repository[int], m container.Methods) repository[int] {
		return &repositoryProxy[int]{next, m.Method("Get")}
	})
}

// bank is a gateway that fails as often as told, and counts.
type bank struct {
	failures                 int
	charges, refunds, closes int
}

func (b *bank) Charge(context.Context, int) (string, error) {
	if b.charges++; b.charges <= b.failures {
		return "", errDown
	}
	return "receipt", nil
}

func (b *bank) Refund(context.Context, string) error {
	if b.refunds++; b.refunds <= b.failures {
		return errDown
	}
	return nil
}

func (b *bank) Close() error {
	if b.closes++; b.closes <= b.failures {
		return errDown
	}
	return nil
}

// book is a ledger that always fails.
type book struct{ appends, balances int }

func (b *book) Append(context.Context, string) error { b.appends++; return errDown }
func (b *book) Balance() (int, error)                { b.balances++; return 0, errDown }
func (b *book) Name() string                         { return "book" }

var errOpening = errors.New("no such database")
