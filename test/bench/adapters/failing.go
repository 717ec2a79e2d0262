package adapters

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"os"
	"syscall"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

// failing are errors by which a function ends each call: what they mean is found out
// on each.
var failing = []struct {
	Row
	err      error
	answered bool
}{
	{Row{"fails-unknown", "an error that nobody knows, wrapped once"}, fmt.Errorf("the shop: %w", errors.New("it is broken")), false},
	{Row{"fails-net", "a refused connection, of net, wrapped once"}, fmt.Errorf("the shop: %w", &net.OpError{
		Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED),
	}), false},
	{Row{"fails-redis", "a miss, of go-redis"}, redis.Nil, true},
	{Row{"fails-pgx", "a duplicate key, of pgx, wrapped once"}, fmt.Errorf("saving: %w", &pgconn.PgError{Severity: "ERROR", Code: "23505"}), true},
}

func failingRows() []Row {
	var rows []Row
	for _, f := range failing {
		rows = append(rows, Row{f.Name, "a function that fails, under a circuit breaker: " + f.Title})
	}
	return rows
}

// Failing reports whether a row is one of calls that fail.
func (r Row) Failing() bool {
	for _, f := range failing {
		if f.Name == r.Name {
			return true
		}
	}
	return false
}

func failingCases() []Case {
	var all []Case
	for _, f := range failing {
		fails := func() Rate { return func(context.Context, int) (int, error) { return 0, f.err } }
		of := func(r Rate) *opened {
			return &opened{call: func(ctx context.Context) error {
				if _, err := r(ctx, 100); err != f.err { //nolint:errorlint // it comes out as it was
					return fmt.Errorf("want %w, got %w", f.err, err)
				}
				return nil
			}, close: func() error { return nil }}
		}
		all = append(all,
			Case{Row: f.Name, System: "bare", open: func() (*opened, error) { return of(fails()), nil }},
			Case{Row: f.Name, System: "clad", Form: "function", open: func() (made *opened, err error) {
				// It counts, and does not open.
				breaker := policy.CircuitBreaker{FailureThreshold: math.MaxUint32}
				c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"protection": breaker}})
				if err != nil {
					return nil, err
				}
				if err := c.Provide(container.Tag(fails, "protection")); err != nil {
					return nil, err
				}
				if err := c.Invoke(func(r Rate) { made = of(r) }); err != nil {
					return nil, err
				}
				made.protected = func(calls uint64) error {
					m := c.Orchestrator().Metrics().Operations["adapters.Rate"]
					if f.answered && m.Answered != calls || !f.answered && m.FailedOperations != calls {
						return fmt.Errorf("%d calls were made, and counted %+v", calls, m)
					}
					return nil
				}
				return made, nil
			}})
	}
	return all
}
