package wiring

import (
	"context"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/examples/app/payments"
)

// Go can't make an implementation of an interface at run time, so each interface
// that a tagged constructor provides needs a proxy. These are written by hand,
// in the form in which clad gen writes them: straight code, with no reflection,
// no closure and no allocation of its own.

func init() {
	container.RegisterProxy(newGatewayProxy)
	container.RegisterProxy(newLedgerProxy)
	container.RegisterProxy(newCacheProxy)
}

// gatewayProxy is the proxy of payments.Gateway.
type gatewayProxy struct {
	next   payments.Gateway
	charge *container.Pipeline
	refund *container.Pipeline
}

func newGatewayProxy(next payments.Gateway, m container.Methods) payments.Gateway {
	return &gatewayProxy{next: next, charge: m.Method("Charge"), refund: m.Method("Refund")}
}

// Unwrap returns what is guarded, for what it can do beyond payments.Gateway.
func (p *gatewayProxy) Unwrap() payments.Gateway { return p.next }

func (p *gatewayProxy) Charge(ctx context.Context, req payments.ChargeRequest) (receipt payments.Receipt, err error) {
	call := p.charge.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		receipt, err = p.next.Charge(call.Context(), req)
	}
	return receipt, err
}

func (p *gatewayProxy) Refund(ctx context.Context, r payments.Receipt) (err error) {
	call := p.refund.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Refund(call.Context(), r)
	}
	return err
}

// ledgerProxy is the proxy of payments.Ledger.
type ledgerProxy struct {
	next payments.Ledger
	open *container.Pipeline
	find *container.Pipeline
	move *container.Pipeline
}

func newLedgerProxy(next payments.Ledger, m container.Methods) payments.Ledger {
	return &ledgerProxy{next: next, open: m.Method("Open"), find: m.Method("Find"), move: m.Method("Move")}
}

// Unwrap returns what is guarded, for what it can do beyond payments.Ledger.
func (p *ledgerProxy) Unwrap() payments.Ledger { return p.next }

func (p *ledgerProxy) Open(ctx context.Context, payment payments.Payment) (booked payments.Payment, err error) {
	call := p.open.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		booked, err = p.next.Open(call.Context(), payment)
	}
	return booked, err
}

func (p *ledgerProxy) Find(ctx context.Context, id string) (found payments.Payment, err error) {
	call := p.find.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		found, err = p.next.Find(call.Context(), id)
	}
	return found, err
}

func (p *ledgerProxy) Move(ctx context.Context, payment payments.Payment, from payments.Status) (err error) {
	call := p.move.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Move(call.Context(), payment, from)
	}
	return err
}

// cacheProxy is the proxy of payments.Cache.
type cacheProxy struct {
	next   payments.Cache
	get    *container.Pipeline
	put    *container.Pipeline
	forget *container.Pipeline
}

func newCacheProxy(next payments.Cache, m container.Methods) payments.Cache {
	return &cacheProxy{next: next, get: m.Method("Get"), put: m.Method("Put"), forget: m.Method("Forget")}
}

// Unwrap returns what is guarded, for what it can do beyond payments.Cache.
func (p *cacheProxy) Unwrap() payments.Cache { return p.next }

func (p *cacheProxy) Get(ctx context.Context, id string) (found payments.Payment, ok bool, err error) {
	call := p.get.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		found, ok, err = p.next.Get(call.Context(), id)
	}
	return found, ok, err
}

func (p *cacheProxy) Put(ctx context.Context, payment payments.Payment) (err error) {
	call := p.put.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Put(call.Context(), payment)
	}
	return err
}

func (p *cacheProxy) Forget(ctx context.Context, id string) (err error) {
	call := p.forget.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		err = p.next.Forget(call.Context(), id)
	}
	return err
}
