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
	"github.com/jackc/puddle/v2"
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
	readOnly                      bool // which takes no writes
	health                        *health
	exec, query, row, copy, batch *container.Pipeline
}

func (s *statements) Exec(ctx context.Context, sql string, args ...any) (tag pgconn.CommandTag, err error) {
	call := s.exec.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		began := s.health.now()
		tag, err = s.next.Exec(call.Context(), sql, args...)
		s.came(&call, err, began, sql)
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
		began := s.health.now()
		if next, err = s.next.Query(call.Context(), sql, args...); err == nil {
			if next.Next() { // what the server refuses shows here
				r := &rows{Rows: next, read: true, pending: pending{s: s, began: began}}
				call.Defer(&r.outcome)
				return r, nil
			}
			err = next.Err()
		}
		s.came(&call, err, began, sql)
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
		began := s.health.now()
		err = s.next.QueryRow(call.Context(), r.sql, r.args...).Scan(dest...)
		s.came(&call, err, began, r.sql)
	}
	return err
}

func (s *statements) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource) (n int64, err error) {
	call := s.copy.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		began := s.health.now()
		if n, err = s.next.CopyFrom(call.Context(), table, columns, source); err != nil {
			call.Stop() // the source is used up
		}
		s.tell(&call, err, began)
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
		began := s.health.now()
		r := &batch{BatchResults: s.next.SendBatch(call.Context(), b), pending: pending{s: s, began: began}}
		call.Defer(&r.outcome)
		return r
	}
	return newNoBatch(s.next, b, err)
}

// came tells a call what its attempt came to, and whether another one may follow.
func (s *statements) came(call *container.Call, err error, began uint64, sql string) {
	s.tell(call, err, began)
	if err == nil {
		return
	}
	m := verdict.Of(err)
	undone := m.NoEffect && (!isReply(err) || isSingle(sql))
	if s.within || m.Final || !undone && !cladsql.IsRead(sql) {
		call.Stop()
	}
}

// isReply reports whether an error is the server's of a statement, and not of a
// connection that was to be made for it.
func isReply(err error) bool {
	var reply *pgconn.PgError
	var connecting *pgconn.ConnectError
	return errors.As(err, &reply) && !errors.As(err, &connecting)
}

// tell tells a call what its attempt came to.
func (s *statements) tell(call *container.Call, err error, began uint64) {
	if err == nil {
		s.health.succeeded()
	} else if v, neutral := s.judge(err, began); neutral {
		call.Neutral()
	} else {
		call.Judge(v)
	}
}

// judge returns what the error of an attempt means to breakers.
func (s *statements) judge(err error, began uint64) (v policy.Verdict, neutral bool) {
	var want, got int
	if n, _ := fmt.Sscanf(err.Error(), "expected %d arguments, got %d", &want, &got); n == 2 {
		return policy.Refused, false // pgx says so before it sends anything
	}
	if s.readOnly && isReadOnly(err) {
		return policy.Answered, false // as it was asked to
	}
	if errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, puddle.ErrClosedPool) {
		return policy.Refused, false // nobody was asked; by its text alone it could be anybody's
	}
	m := verdict.Of(err)
	return m.Verdict, s.health.failed(err, began) || m.Neutral
}

// pending is a result that is judged at its end.
type pending struct {
	s       *statements
	began   uint64
	outcome container.Pending
}

// finish ends the call with what its result came to.
func (p *pending) finish(err error) error {
	if err == nil {
		p.s.health.succeeded()
		return p.outcome.Finish(nil, policy.Unknown)
	}
	v, neutral := p.s.judge(err, p.began)
	if neutral {
		return p.outcome.Leave(err)
	}
	return p.outcome.Finish(err, v)
}
