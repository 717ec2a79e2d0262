// Package store is what the shop needs.
package store

import (
	"context"
	"io"

	"go.uber.org/fx"
)

type Gateway interface {
	Charge(ctx context.Context, amount int) error
	Refund(ctx context.Context, amount int) error
	Name() string
}

type Ledger interface {
	Append(ctx context.Context, line string) error
	Import(ctx context.Context, lines io.Reader) error
	Follow(ctx context.Context, lines <-chan string) error
	Mark(ctx context.Context, line int) error
	Load(lines io.Reader) error
	Close() error
}

type Repo[T any] interface {
	Get(ctx context.Context, id string) (T, error)
}

type User struct{ Name string }

// Sender is a function that can be guarded.
type Sender func(ctx context.Context, to string) error

// Hooks is a struct of functions that can be guarded.
type Hooks struct {
	Before func(ctx context.Context) error
	Log    func(string)
}

// Out is a result struct: one field has a policy of its own.
type Out struct {
	fx.Out

	Gateway Gateway  `policy:"external_api"`
	Backup  Gateway  `name:"backup" policy:"none"`
	Ledger  Ledger   `group:"ledgers"`
	All     []Sender `group:"senders,flatten"`
	Size    int
}

// Other carries such a tag, but is nothing to the container.
type Other struct {
	Gateway Gateway `policy:"nobody"`
}

type file struct{ Ledger }

func NewLedger() (*file, error)            { return &file{}, nil }
func NewGateway() (Gateway, error)         { return nil, nil }
func NewUsers() Repo[User]                 { return nil }
func NewSender() Sender                    { return nil }
func NewSend() func(context.Context) error { return nil }
func NewHooks() Hooks                      { return Hooks{} }
func NewOut() (Out, error)                 { return Out{}, nil }

func NewAll() []Gateway { return nil }
