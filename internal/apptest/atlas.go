package apptest

import (
	"context"

	"github.com/cladgo/clad/container"
)

// Atlas is what an [AtlasProxy] stands for. Tests declare one of their own, by whose
// name it goes.
type Atlas interface {
	Find(ctx context.Context, what string) (string, error)
	Price(ctx context.Context, of string) (int, error)
}

// AtlasProxy is as clad gen writes it: a search is hedged, and a price may be an old one.
type AtlasProxy struct {
	next        Atlas
	find, price *container.Pipeline
}

// NewAtlasProxy returns the proxy of an atlas with its methods.
func NewAtlasProxy(next Atlas, m container.Methods) *AtlasProxy {
	return &AtlasProxy{next, m.Hedges("Find"), m.Safe("Price")}
}

// Find implements [Atlas].
func (p *AtlasProxy) Find(ctx context.Context, what string) (found string, err error) {
	call := p.find.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if h := call.Hedge(); h != nil {
			found, err = container.Hedged(h, func(ctx context.Context) (string, error) { return p.next.Find(ctx, what) })
			continue
		}
		found, err = p.next.Find(call.Context(), what)
	}
	return found, err
}

// Price implements [Atlas].
func (p *AtlasProxy) Price(ctx context.Context, of string) (price int, err error) {
	call := p.price.Begin(ctx)
	defer call.End()
	if call.Keeps() {
		call.Key(of)
	}
	for call.Next(&err) {
		price, err = p.next.Price(call.Context(), of)
	}
	if err == nil && call.Keeps() {
		price = container.LastGood(&call, price)
	}
	return price, err
}
