package wiring_test

import (
	"context"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/wiring"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/wiring/helper"
	"github.com/cladgo/clad/container"
)

type outside interface {
	Do(ctx context.Context) error
}

var (
	_ = container.Tag(func() (outside, wiring.Rows) { return nil, nil }, "external")
	_ = helper.External(func() interface {
		Only(ctx context.Context) error
	} {
		return nil
	})
)
