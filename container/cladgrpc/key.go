package cladgrpc

import (
	"context"

	"github.com/cladgo/clad/internal/uuid"
	"google.golang.org/grpc/metadata"
)

// idempotencyKey is what all attempts of a call bear, where the policy wants it. It
// is made for the first of them.
type idempotencyKey string

// in returns the context of a call that bears the key in the metadata named, or one
// of its caller's where it has that already.
func (k *idempotencyKey) in(ctx context.Context, name string) context.Context {
	if name == "" {
		return ctx
	}
	if sent, _ := metadata.FromOutgoingContext(ctx); len(sent.Get(name)) > 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, name, k.value())
}

func (k *idempotencyKey) value() string {
	if *k == "" {
		*k = idempotencyKey(uuid.New())
	}
	return string(*k)
}
