package payments_test

import (
	"context"
	"errors"
	"sync"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// What the domain needs of the world, in memory: no database, no network, no
// container, and no mocking library.

// noOrchestrator does each thing once and remembers what was declared.
type noOrchestrator struct {
	declared map[string]policy.Policy
}

func (o *noOrchestrator) For(operation string, p policy.Policy) (policy.Runner, error) {
	if o.declared == nil {
		o.declared = make(map[string]policy.Policy)
	}
	o.declared[operation] = p
	return runner{}, nil
}

func (o *noOrchestrator) Pipeline(string) (policy.Runner, error) {
	return nil, errors.New("the domain names no policies")
}

func (o *noOrchestrator) Metrics() policy.Metrics { return policy.Metrics{} }

type runner struct{}

func (runner) Run(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }

// bank is a gateway that fails as often as it is told to, before or after it has
// done what it was asked for.
type bank struct {
	mu            sync.Mutex
	failures      int   // of the next attempts
	failure       error // what they return
	lost          bool  // they are carried out all the same
	byKey         map[string]payments.Receipt
	asked, paid   int
	charged, back payments.Amount
}

func (b *bank) Charge(_ context.Context, req payments.ChargeRequest) (payments.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	err := b.fault()
	if err != nil && !b.lost {
		return payments.Receipt{}, err
	}
	r, ok := b.byKey[req.Key]
	if !ok {
		if b.byKey == nil {
			b.byKey = make(map[string]payments.Receipt)
		}
		r = payments.Receipt{ID: "receipt of " + req.Key, Amount: req.Amount}
		b.byKey[req.Key] = r
		b.charged += req.Amount
	}
	return r, err
}

func (b *bank) Refund(_ context.Context, r payments.Receipt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	err := b.fault()
	if err == nil || b.lost {
		b.paid++
		b.back += r.Amount
	}
	return err
}

func (b *bank) fault() error {
	if b.failures == 0 {
		return nil
	}
	b.failures--
	return b.failure
}

// books is a ledger.
type books struct {
	mu   sync.Mutex
	byID map[string]payments.Payment
	err  error // of the next Move
}

func (l *books) Open(_ context.Context, p payments.Payment) (payments.Payment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if booked, ok := l.byID[p.ID]; ok {
		return booked, nil
	}
	if l.byID == nil {
		l.byID = make(map[string]payments.Payment)
	}
	l.byID[p.ID] = p
	return p, nil
}

func (l *books) Find(_ context.Context, id string) (payments.Payment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.byID[id]
	if !ok {
		return p, payments.ErrNotFound
	}
	return p, nil
}

func (l *books) Due(_ context.Context, limit int) (due []payments.Payment, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.byID {
		if p.Status == payments.Accepted && len(due) < limit {
			due = append(due, p)
		}
	}
	return due, nil
}

func (l *books) Move(ctx context.Context, p payments.Payment, from payments.Status) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(ctx.Err(), l.err); err != nil {
		l.err = nil
		return err
	}
	if booked := l.byID[p.ID]; booked.Status != from && booked != p {
		return payments.ErrConflict
	}
	l.byID[p.ID] = p
	return nil
}

func (l *books) status(id string) payments.Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id].Status
}

// brokenCache fails at everything.
type brokenCache struct{}

var errCache = errors.New("the cache is away")

func (brokenCache) Get(context.Context, string) (payments.Payment, error) {
	return payments.Payment{}, errCache
}
func (brokenCache) Put(context.Context, payments.Payment) error { return errCache }
func (brokenCache) Forget(context.Context, string) error        { return errCache }

// order is a payment that somebody asks for.
func order(id string, amount payments.Amount, method payments.Method) payments.Payment {
	return payments.Payment{ID: id, Amount: amount, Currency: "EUR", Method: method}
}
