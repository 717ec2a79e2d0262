// Package other is where package nasty gets types from.
package other

import (
	"context"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty/other/internal/hidden"
)

type (
	Secret                    = hidden.Secret // the only way to name it from outside
	Keeper                    = hidden.Keeper
	Text                      = string
	Pair[K comparable, V any] struct {
		Key   K
		Value V
	}
	Pairs[V any] = []Pair[string, V]
	entity       interface{ comparable }
)

// Vault hands out what is declared in an internal package.
type Vault interface {
	// Open opens it.
	Open(ctx context.Context, key Text) (Secret, error)
	Direct(ctx context.Context, s *hidden.Secret) error
}

// Table has a constraint that nobody outside can write.
type Table[E entity] interface {
	Insert(ctx context.Context, e E) error
}

type Base interface {
	// Ping is documented here.
	Ping(ctx context.Context) error
	Close() error
}

type Closer interface {
	Close() error
	Name() string
}

// Sealed can't be implemented elsewhere.
type Sealed interface {
	Do(ctx context.Context) error
	sealed()
}

// Unspeakable mentions an unexported type.
type Unspeakable interface {
	Do(ctx context.Context, e unspeakable) error
}

type unspeakable struct{}

// Inside mentions an internal type that no alias names.
type Inside interface {
	Do(ctx context.Context, f func(map[string]hidden.Only)) error
}

// Elsewhere mentions an internal type that another package has an alias of.
type Elsewhere interface {
	Do(ctx context.Context, f func(map[string]hidden.Aliased)) error
}
