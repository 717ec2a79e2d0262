package cladpgx

import (
	"context"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows are rows whose query is judged when they end. They are used by one goroutine.
type rows struct {
	pgx.Rows
	pending
	read  bool // the first row was, and Next has not told of it
	ended bool
	err   error // with which they ended
}

func (r *rows) Next() bool {
	if r.read {
		r.read = false
		return true
	}
	if r.Rows.Next() {
		return true
	}
	r.end()
	return false
}

func (r *rows) Close() {
	r.Rows.Close()
	r.read = false
	r.end()
}

func (r *rows) Err() error {
	if r.ended {
		return r.err
	}
	return r.Rows.Err()
}

func (r *rows) end() {
	if !r.ended {
		r.ended = true
		r.err = r.finish(r.Rows.Err())
	}
}

// batch is results that are judged by the worst of them when they are closed.
type batch struct {
	pgx.BatchResults
	pending
	worst error
}

func (b *batch) Exec() (pgconn.CommandTag, error) {
	tag, err := b.BatchResults.Exec()
	b.note(err)
	return tag, err
}

func (b *batch) Query() (pgx.Rows, error) {
	r, err := b.BatchResults.Query()
	b.note(err)
	if err != nil {
		return r, err
	}
	return &batchRows{r, b}, nil
}

func (b *batch) QueryRow() pgx.Row { return &batchRow{b.BatchResults.QueryRow(), b} }

// Close returns what the batch failed with, as pgx does; a timeout of the policy
// tells so.
func (b *batch) Close() error {
	err := b.BatchResults.Close()
	b.note(err)
	worst := b.worst
	if out := b.finish(worst); err != nil && err == worst { //nolint:errorlint // whether it is the same
		return out
	}
	return err
}

// note remembers an error, unless there was one that says more.
func (b *batch) note(err error) {
	if err == nil || b.worst != nil && verdict.Of(b.worst).Verdict != policy.Answered {
		return
	}
	b.worst = err
}

type batchRows struct {
	pgx.Rows
	b *batch
}

func (r *batchRows) Next() bool {
	ok := r.Rows.Next()
	if !ok {
		r.b.note(r.Err())
	}
	return ok
}

func (r *batchRows) Close() {
	r.Rows.Close()
	r.b.note(r.Err())
}

type batchRow struct {
	pgx.Row
	b *batch
}

func (r *batchRow) Scan(dest ...any) error {
	err := r.Row.Scan(dest...)
	r.b.note(err)
	return err
}

// noRows are those of a query that failed. What pgx has added to its interface since,
// they have from nothing.
type noRows struct {
	pgx.Rows
	err error
}

func (r *noRows) Close()                                       {}
func (r *noRows) Err() error                                   { return r.err }
func (r *noRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (r *noRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (r *noRows) Next() bool                                   { return false }
func (r *noRows) Scan(...any) error                            { return r.err }
func (r *noRows) Values() ([]any, error)                       { return nil, r.err }
func (r *noRows) RawValues() [][]byte                          { return nil }
func (r *noRows) Conn() *pgx.Conn                              { return nil }
func (r *noRows) TypeMap() *pgtype.Map                         { return nil }

// noBatch is the results of a batch that was not sent: pgx's own of such a one, with
// another error.
type noBatch struct {
	pgx.BatchResults
	err error
}

func newNoBatch(next querier, b *pgx.Batch, err error) *noBatch {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	return &noBatch{next.SendBatch(over, b), err}
}

func (b *noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b *noBatch) Query() (pgx.Rows, error)         { return &noRows{err: b.err}, b.err }
func (b *noBatch) QueryRow() pgx.Row                { return &noRows{err: b.err} }

func (b *noBatch) Close() error {
	_ = b.BatchResults.Close() // it says that its context was over
	return b.err
}
