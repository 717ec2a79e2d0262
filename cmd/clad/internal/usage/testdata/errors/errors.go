// Package errors gives errors the names that its profiles use.
package errors

import (
	"errors"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

var errUnknown = errors.New("unknown")

const prefix = "orders."

func New() fx.Option {
	return module.New(
		module.WithErrors(map[string]error{prefix + "ErrUnknown": errUnknown}),
		module.WithContainer(container.WithErrors(map[string]error{"no customer": errUnknown})),
	)
}
