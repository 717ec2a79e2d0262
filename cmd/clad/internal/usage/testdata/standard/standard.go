// Package standard has services without a policy of their own.
package standard

import (
	"context"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

type fetch func(ctx context.Context) error

func newFetch() fetch { return func(context.Context) error { return nil } }

func New() fx.Option {
	return fx.Options(module.New(module.Standard()), fx.Provide(container.Tag(newFetch, "")))
}
