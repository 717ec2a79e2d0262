package cladpgx

import (
	"context"

	"github.com/cladgo/clad/container"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is what *pgxpool.Pool and *pgx.Conn have in common. It is safe for concurrent
// use where what is behind it is: a pool is, a connection is not.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	Begin(ctx context.Context) (pgx.Tx, error)
	BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error)
	Ping(ctx context.Context) error
}

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterProxy(func(next DB, m container.Methods) DB {
		return &db{next: next, statements: statements{
			next: next, health: newHealth(next),
			exec:  m.Method("Exec"),
			query: m.Method("Query"), row: m.Method("QueryRow"),
			copy: m.Single("CopyFrom"), batch: m.Single("SendBatch"),
		}, begin: m.Safe("Begin"), beginTx: m.Safe("BeginTx"), ping: m.Safe("Ping")}
	})
}

type db struct {
	statements

	next                 DB
	begin, beginTx, ping *container.Pipeline
}

// Unwrap returns what is guarded.
func (d *db) Unwrap() DB { return d.next }

func (d *db) Ping(ctx context.Context) (err error) {
	call := d.ping.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		began := d.health.now()
		err = d.next.Ping(call.Context())
		d.tell(&call, err, began)
	}
	return err
}

func (d *db) Begin(ctx context.Context) (t pgx.Tx, err error) {
	call := d.begin.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		began := d.health.now()
		if t, err = d.next.Begin(call.Context()); err == nil {
			call.Neutral() // what it is for comes yet
		} else {
			d.tell(&call, err, began)
		}
	}
	return d.tx(t, err, false)
}

func (d *db) BeginTx(ctx context.Context, opts pgx.TxOptions) (t pgx.Tx, err error) {
	call := d.beginTx.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		began := d.health.now()
		if t, err = d.next.BeginTx(call.Context(), opts); err == nil {
			call.Neutral() // as above
		} else {
			d.tell(&call, err, began)
		}
	}
	return d.tx(t, err, opts.AccessMode == pgx.ReadOnly)
}

func (d *db) tx(next pgx.Tx, err error, readOnly bool) (pgx.Tx, error) {
	if err != nil {
		return nil, err
	}
	s := d.statements
	s.next, s.within, s.readOnly = next, true, readOnly
	return &tx{next, s}, nil
}

// tx is a transaction whose statements are guarded, one attempt each.
type tx struct {
	pgx.Tx
	guarded statements
}

// Unwrap returns pgx's own transaction.
func (t *tx) Unwrap() pgx.Tx { return t.Tx }

// Begin sets a savepoint.
func (t *tx) Begin(ctx context.Context) (pgx.Tx, error) {
	next, err := t.Tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	s := t.guarded
	s.next = next
	return &tx{next, s}, nil
}

func (t *tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.guarded.Exec(ctx, sql, args...)
}

func (t *tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.guarded.Query(ctx, sql, args...)
}

func (t *tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.guarded.QueryRow(ctx, sql, args...)
}

func (t *tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	return t.guarded.CopyFrom(ctx, table, columns, source)
}

func (t *tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.guarded.SendBatch(ctx, b)
}
