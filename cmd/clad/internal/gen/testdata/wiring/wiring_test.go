package wiring

import (
	"context"

	"github.com/cladgo/clad/container"
)

type inTest interface {
	Do(ctx context.Context) error
}

var _ = container.Tag(func() inTest { return nil }, "external")
