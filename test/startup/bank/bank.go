// Package bank is a dependency with its module in a package variable.
package bank

import (
	"context"
	"errors"

	"github.com/cladgo/clad/container"
	"go.uber.org/fx"
)

//go:generate go tool clad gen

// Module provides the bank. It is made before the init of this package registers
// the proxies that this package tags.
var Module = fx.Module("bank",
	fx.Provide(
		container.Tag(NewBank, "external_api", container.Method("Pay", "database")),
		container.Tag(fx.Annotate(newVault, fx.As(new(Vault)), fx.ResultTags(`name:"cellar"`)), "database"),
	),
)

// Bank is what others depend on.
type Bank interface {
	Pay(ctx context.Context, amount int) (string, error)
	Balance(ctx context.Context) (int, error)
}

// ErrBusy is what each method answers to begin with.
var ErrBusy = errors.New("busy")

type branch struct{ pays, balances int }

// NewBank returns a bank whose methods work at the second attempt.
func NewBank() Bank { return &branch{} }

func (b *branch) Pay(context.Context, int) (string, error) {
	if b.pays++; b.pays == 1 {
		return "", ErrBusy
	}
	return "receipt", nil
}

func (b *branch) Balance(context.Context) (int, error) {
	if b.balances++; b.balances == 1 {
		return 0, ErrBusy
	}
	return 7, nil
}

// Vault is another, under a name.
type Vault interface {
	Open(ctx context.Context) error
}

type cellar struct{ opens int }

func newVault() *cellar { return &cellar{} }

func (c *cellar) Open(context.Context) error {
	if c.opens++; c.opens == 1 {
		return ErrBusy
	}
	return nil
}
