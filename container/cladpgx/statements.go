package cladpgx

import (
	"context"
	"errors"
	"fmt"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// querier is what executes statements: a DB or a transaction.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error)
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// statements puts the policies around a querier.
type statements struct {
	next                          querier
	within                        bool // a transaction
	exec, query, row, copy, batch *container.Pipeline
}

func (s *statements) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	call := s.exec.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if tag, err = s.next.Exec(call.Context(), sql, args...); err != nil {
			s.failed(&call, err, sql)
		}
	}
	return tag, err
}

// Query returns rows also with an error, as pgx does: they have it as well.
func (s *statements) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if s.query.Direct() {
		return s.next.Query(ctx, sql, args...) //nolint:sqlclosecheck // the caller closes them
	}
	call := s.query.Begin(ctx)
	defer call.End()
	var next pgx.Rows
	var err error
	for call.Next(&err) {
		if next, err = s.next.Query(call.Context(), sql, args...); err == nil {
			if next.Next() { // what the server refuses shows here
				r := &rows{Rows: next, read: true}
				call.Defer(&r.outcome)
				return r, nil
			}
			err = next.Err()
		}
		if err != nil {
			s.failed(&call, err, sql)
		}
	}
	if err == nil {
		return next, nil // there are none
	}
	return &noRows{err: err}, err
}

func (s *statements) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if s.row.Direct() {
		return s.next.QueryRow(ctx, sql, args...)
	}
	return &row{s, ctx, sql, args}
}

// row executes its statement when it is scanned.
type row struct {
	s    *statements
	ctx  context.Context //nolint:containedctx // of QueryRow
	sql  string
	args []any
}

var errScanned = errors.New("cladpgx: this row was scanned before: call QueryRow again")

func (r *row) Scan(dest ...any) (err error) {
	s := r.s
	if s == nil {
		return errScanned
	}
	r.s = nil
	call := s.row.Begin(r.ctx)
	defer call.End()
	for call.Next(&err) {
		if err = s.next.QueryRow(call.Context(), r.sql, r.args...).Scan(dest...); err != nil {
			s.failed(&call, err, r.sql)
		}
	}
	return err
}

func (s *statements) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (n int64, err error) {
	call := s.copy.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if n, err = s.next.CopyFrom(call.Context(), table, columns, source); err != nil {
			call.Stop()
		}
	}
	return n, err
}

func (s *statements) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if s.batch.Direct() {
		return s.next.SendBatch(ctx, b)
	}
	call := s.batch.Begin(ctx)
	defer call.End()
	var err error
	if call.Next(&err) {
		r := &batch{BatchResults: s.next.SendBatch(call.Context(), b)}
		call.Defer(&r.outcome)
		return r
	}
	return newNoBatch(s.next, b, err)
}

// failed tells a call what the error of its attempt means, and whether another one
// may follow.
func (s *statements) failed(call *container.Call, err error, sql string) {
	m := verdict.Of(err)
	if v, neutral := judge(err); neutral {
		call.Neutral()
	} else {
		call.Judge(v)
	}
	if s.within || m.Final || !m.NoEffect && !cladsql.IsRead(sql) {
		call.Stop()
	}
}

// judge returns what an error means to breakers.
func judge(err error) (v policy.Verdict, neutral bool) {
	var want, got int
	if n, _ := fmt.Sscanf(err.Error(), "expected %d arguments, got %d", &want, &got); n == 2 {
		return policy.Refused, false // pgx says so before it sends anything
	}
	m := verdict.Of(err)
	return m.Verdict, m.Neutral
}
