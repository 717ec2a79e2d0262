// Package adapters has what calls through clad's adapters are compared with: the same
// client without anything around it, with a timeout for each call, which is the least
// that a caller does by hand, and with what others offer for it.
package adapters

import (
	"context"
	"fmt"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Case is an operation of one client, protected in one way.
type Case struct {
	Row    string // the operation: "sql-query"
	System string // "bare", "bare with a timeout", "clad", or another library
	Form   string // of clad: the package
	open   func() (*opened, error)
}

// opened is a case that can be called.
type opened struct {
	call  func(ctx context.Context) error
	close func() error
	// protected reports whether the protection has seen this many calls; nil where
	// it keeps no books.
	protected func(calls uint64) error
}

// Row says what an operation is.
type Row struct {
	Name, Title string
}

// Rows are the operations in the order of the table.
func Rows() []Row {
	return append([]Row{
		{"sql-query", "a query of one row, SQLite in memory, database/sql"},
		{"sql-exec", "an update of one row, SQLite in memory, database/sql"},
		{"sql-prepared", "a prepared query of one row, SQLite in memory, database/sql"},
		{"http-get", "GET, net/http over a transport that answers at once"},
		{"grpc-unary", "a unary call, grpc-go over bufconn"},
		{"redis-get", "GET, go-redis over a pipe to a server that answers at once"},
		{"function", "a function of a context and a number, tagged"},
		{"functions", "one of a struct of two functions, tagged"},
	}, failingRows()...)
}

// Cases lists all, by row.
func Cases() []Case {
	var all []Case
	for _, of := range [][]Case{sqlCases(), httpCases(), grpcCases(), redisCases(), functionCases(), failingCases()} {
		all = append(all, of...)
	}
	return all
}

// All are the cases with those of real servers.
func All() []Case { return append(Cases(), LoopbackCases()...) }

// The policy that all of clad's are under, and the others as far as they can.
const (
	attempts = 3
	failures = 5
	bound    = time.Minute
)

func protection() policy.Policy {
	return policy.Combine(
		policy.Retry{MaxAttempts: attempts},
		policy.CircuitBreaker{FailureThreshold: failures},
		policy.Timeout(bound),
	)
}

// books is an orchestrator that has counted the calls.
func books(o *container.Orchestrator, operation string) func(uint64) error {
	return func(calls uint64) error {
		m, known := o.Metrics().Operations[operation]
		if !known {
			return fmt.Errorf("%d calls were made, and nothing is known of %s", calls, operation)
		}
		if m.SuccessfulOperations != calls {
			return fmt.Errorf("%d calls were made, and %s counted %+v", calls, operation, m)
		}
		return nil
	}
}

// bare are an operation without anything around it, and with the timeout that a
// careful caller gives to each call.
func bare(row string, open func() (*opened, error)) []Case {
	return []Case{
		{Row: row, System: "bare", open: open},
		{Row: row, System: "bare with a timeout", open: func() (*opened, error) {
			o, err := open()
			if err != nil {
				return nil, err
			}
			call := o.call
			o.call = func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, bound)
				defer cancel()
				return call(ctx)
			}
			return o, nil
		}},
	}
}

// Bench is a case that is measured.
type Bench struct {
	id string
	*opened
	ctx    context.Context
	cancel context.CancelFunc
	calls  uint64
}

// Prepare makes what a case calls. Close it.
func (c Case) Prepare(id string) (*Bench, error) {
	o, err := c.open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	b := &Bench{id: id, opened: o}
	b.ctx, b.cancel = context.WithCancel(context.Background()) // as that of a request
	return b, nil
}

// ID is that of the case.
func (b *Bench) ID() string { return b.id }

// Run makes n calls, one after the other.
func (b *Bench) Run(n int) error {
	for range n {
		if err := b.call(b.ctx); err != nil {
			return err
		}
	}
	b.calls += uint64(n)
	return nil
}

// Close checks that what protects has seen every call, and ends what was made.
func (b *Bench) Close() error {
	defer b.cancel()
	if b.protected != nil {
		if err := b.protected(b.calls); err != nil {
			_ = b.opened.close()
			return fmt.Errorf("%s: %w", b.id, err)
		}
	}
	return b.opened.close()
}
