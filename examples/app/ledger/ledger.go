// Package ledger books payments in SQLite or PostgreSQL. Like the gateway it
// makes one attempt at everything.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// DB is a payments.Ledger. It is safe for use by many goroutines, between Start
// and Close.
type DB struct {
	source source
	db     *sql.DB
}

var _ payments.Ledger = (*DB)(nil)

// New returns the ledger at a URL: postgres://... for PostgreSQL, file:... for
// an SQLite file, nothing for an SQLite file that lives as long as the ledger.
// It touches nothing before Start.
func New(url string) (*DB, error) {
	s, err := parse(url)
	if err != nil {
		return nil, err
	}
	return &DB{source: s}, nil
}

// String names the kind of database, without the secrets of its URL.
func (l *DB) String() string { return l.source.name }

// Both databases understand this, and all the statements below.
const schema = `CREATE TABLE IF NOT EXISTS clad_payments (
	id       TEXT PRIMARY KEY,
	cents    BIGINT NOT NULL,
	currency TEXT NOT NULL,
	method   TEXT NOT NULL,
	status   TEXT NOT NULL,
	receipt  TEXT NOT NULL,
	refund   TEXT NOT NULL
)`

// Start opens the database and makes its table.
func (l *DB) Start(ctx context.Context) error {
	db, err := l.source.open()
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	l.db = db
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return errors.Join(fmt.Errorf("ledger: %s: %w", l, err), l.Close())
	}
	return nil
}

// Close closes the database.
func (l *DB) Close() error {
	if l.db == nil {
		return nil
	}
	return errors.Join(l.db.Close(), l.source.remove())
}

// Open books a new payment, or returns the one that is there.
func (l *DB) Open(ctx context.Context, p payments.Payment) (payments.Payment, error) {
	_, err := l.db.ExecContext(ctx,
		`INSERT INTO clad_payments (id, cents, currency, method, status, receipt, refund)
		 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
		p.ID, int64(p.Amount), p.Currency, string(p.Method), string(p.Status), p.Receipt, p.Refund)
	if err != nil {
		return payments.Payment{}, failed(err)
	}
	return l.Find(ctx, p.ID)
}

// Find returns a payment.
func (l *DB) Find(ctx context.Context, id string) (payments.Payment, error) {
	var p payments.Payment
	err := scan(l.db.QueryRowContext(ctx,
		`SELECT id, cents, currency, method, status, receipt, refund FROM clad_payments WHERE id = $1`, id), &p)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return payments.Payment{}, payments.ErrNotFound
	case err != nil:
		return payments.Payment{}, failed(err)
	}
	return p, nil
}

// Due returns payments that the bank is to be charged for yet.
func (l *DB) Due(ctx context.Context, limit int) ([]payments.Payment, error) {
	rows, err := l.db.QueryContext(ctx,
		`SELECT id, cents, currency, method, status, receipt, refund FROM clad_payments WHERE status = $1 LIMIT $2`,
		string(payments.Accepted), limit)
	if err != nil {
		return nil, failed(err)
	}
	defer func() { _ = rows.Close() }() // rows.Err says it all
	var due []payments.Payment
	for rows.Next() {
		var p payments.Payment
		if err := scan(rows, &p); err != nil {
			return nil, failed(err)
		}
		due = append(due, p)
	}
	if err := rows.Err(); err != nil {
		return nil, failed(err)
	}
	return due, nil
}

// scan reads the row that a query of all columns is at.
func scan(row interface{ Scan(...any) error }, p *payments.Payment) error {
	return row.Scan(&p.ID, &p.Amount, &p.Currency, &p.Method, &p.Status, &p.Receipt, &p.Refund)
}

// Move books a new state. The second half of the condition makes it safe to
// repeat: if the first answer was lost, the row already is what it should be.
func (l *DB) Move(ctx context.Context, p payments.Payment, from payments.Status) error {
	result, err := l.db.ExecContext(ctx,
		`UPDATE clad_payments SET status = $2, receipt = $3, refund = $4
		 WHERE id = $1 AND (status = $5 OR (status = $2 AND receipt = $3 AND refund = $4))`,
		p.ID, string(p.Status), p.Receipt, p.Refund, string(from))
	if err != nil {
		return failed(err)
	}
	if n, err := result.RowsAffected(); err != nil {
		return failed(err)
	} else if n == 0 {
		return payments.ErrConflict
	}
	return nil
}

func failed(err error) error {
	return &policy.InfrastructureError{Message: "the ledger can't be used", Err: err}
}
