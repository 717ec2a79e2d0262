package payments

import "context"

// What the domain needs of the world. Whoever implements these interfaces knows
// nothing of retries and circuit breakers either: container.Tag wraps them.

// Gateway is the way to the acquiring bank.
type Gateway interface {
	// Charge takes the money, or says that it is Due. Asked again with the same
	// Key it returns the first receipt and takes nothing.
	//
	//clad:safe
	Charge(ctx context.Context, req ChargeRequest) (Receipt, error)
	// Refund gives the money back. The bank has no key for that: asked
	// twice, it pays twice.
	//
	//clad:once
	Refund(ctx context.Context, r Receipt) error
}

// ChargeRequest asks for money.
type ChargeRequest struct {
	Key      string // idempotency key
	Amount   Amount
	Currency string
	Method   Method
	Declined bool // the bank has said no to it before
}

// Receipt is the bank's word for a charge.
type Receipt struct {
	ID     string
	Amount Amount
	// Due says that it is not the bank's word but our own: the payment is
	// accepted, and the money is to be taken yet. There is no ID then.
	Due bool
}

// Ledger books payments. All of it is safe to repeat.
type Ledger interface {
	// Open books a new payment, or returns the one that is booked under its
	// ID already.
	Open(ctx context.Context, p Payment) (booked Payment, err error)
	// Find returns a payment, or ErrNotFound.
	Find(ctx context.Context, id string) (Payment, error)
	// Move books the new state of a payment whose status is from, or that
	// stands booked as p already; else it returns ErrConflict.
	//
	//clad:safe
	Move(ctx context.Context, p Payment, from Status) error
	// Due returns payments that are Accepted, up to limit of them.
	//
	//clad:safe
	Due(ctx context.Context, limit int) ([]Payment, error)
}

// Cache saves looking into the ledger. What it holds may be a little old, and
// may be gone at any time.
type Cache interface {
	// Get returns a payment. An error says why it is not there.
	Get(ctx context.Context, id string) (Payment, error)
	Put(ctx context.Context, p Payment) error
	Forget(ctx context.Context, id string) error
}
