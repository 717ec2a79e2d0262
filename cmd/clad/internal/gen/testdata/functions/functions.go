// Package functions tags functions of every kind.
package functions

import (
	"context"
	"io"

	"github.com/cladgo/clad/container"
)

type (
	// Sum is variadic.
	Sum func(p context.Context, m string, next ...int) (f int, guarded error)
	// Upload uses up what it is given.
	Upload func(ctx context.Context, body io.Reader) error
	// Download returns what outlives the call.
	Download func(ctx context.Context, name string) (io.ReadCloser, error)
	// Of is generic.
	Of[T any] func(ctx context.Context, value T) (T, error)

	// Bank is a struct of them.
	Bank struct {
		Charge func(ctx context.Context, cents int) (string, error)
		Never  func(ctx context.Context) error
		Name   func() string
	}

	hidden struct{ Do func(context.Context) error }
)

// Tags are what the generator finds.
var Tags = []any{
	container.Tag(func() Sum { return nil }, "p"),
	container.Tag(func() (Upload, Download) { return nil, nil }, "p"),
	container.Tag(func() Of[string] { return nil }, "p"),
	container.Tag(func() *Bank { return nil }, "p"),
	container.Tag(func() hidden { return hidden{} }, "p"),
	container.Tag(func() func(context.Context, struct{ N int }) error { return nil }, "p"),
}
