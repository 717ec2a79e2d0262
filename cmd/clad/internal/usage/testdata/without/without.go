// Package without has services without a policy, and no standard one.
package without

import (
	"context"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

type fetch func(ctx context.Context) error

func newFetch() fetch { return func(context.Context) error { return nil } }

func New() fx.Option {
	return fx.Options(module.New(), fx.Provide(container.Tag(newFetch, "")))
}
