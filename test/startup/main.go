// Command startup is an application put together as others' are: modules of Fx
// in package variables, whose tags are made before generated code registers
// anything, and values that can do more than the interface that is tagged.
package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cladgo/clad/module"
	"github.com/cladgo/clad/test/startup/bank"
	"github.com/cladgo/clad/test/startup/market"
	"go.uber.org/fx"
)

//go:embed configs
var configs embed.FS

func profiles() fs.FS {
	fsys, err := fs.Sub(configs, "configs")
	if err != nil {
		panic(err)
	}
	return fsys
}

// App is the whole application, in a package variable too.
var App = fx.Options(
	module.New(module.WithFS(profiles()), module.WithProfile("production")),
	bank.Module,
	market.Module,
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	app := fx.New(fx.NopLogger, App, fx.Invoke(func(in struct {
		fx.In
		Bank   bank.Bank
		Vault  bank.Vault `name:"cellar"`
		Trader *market.Trader
	}) error {
		ctx := context.Background()
		receipt, err := in.Bank.Pay(ctx, 3)
		if err != nil {
			return err
		}
		balance, err := in.Bank.Balance(ctx)
		if err != nil {
			return err
		}
		if err := in.Vault.Open(ctx); err != nil {
			return err
		}
		found, err := in.Trader.Trade(ctx)
		if err != nil {
			return err
		}
		closed, err := in.Trader.Close()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, receipt, balance, found, closed)
		return err
	}))
	return app.Err()
}
