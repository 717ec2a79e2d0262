package gen_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/record"
	"github.com/cladgo/clad/policy"
)

// TestCommandsAreGuarded: of 632 methods of go-redis 11 were, since the others
// return no error but a command that has one.
func TestCommandsAreGuarded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record.Recorder{}
		var made []*nasty.Command
		fails := 2
		var err error
		r.Fill = func(results []any) {
			cmd := &nasty.Command{Text: "text"}
			if len(made) < fails {
				cmd.SetErr(err)
			}
			made = append(made, cmd)
			*results[0].(**nasty.Command) = cmd
		}
		commands := resolve[nasty.Commands](t, r, "retried")
		attempts := func(n int, e error) { made, fails, err = nil, n, e }

		attempts(2, errDown)
		if cmd := commands.Get(t.Context(), "key"); cmd.Err() != nil || len(made) != 3 || cmd != made[2] {
			t.Errorf("%v after %d attempts, want the third command as it is", cmd.Err(), len(made))
		}
		if _, ok := r.Args[0].(context.Context).Deadline(); !ok {
			t.Error("the target sees no deadline")
		}
		attempts(3, errDown)
		cmd := commands.Get(t.Context(), "key")
		if !errors.Is(cmd.Err(), policy.ErrRetriesExhausted) || !errors.Is(cmd.Err(), errDown) || cmd.Text != "text" {
			t.Errorf("%v, want that the retries are exhausted in the command itself", cmd.Err())
		}
		attempts(3, errDown)
		if cmd := commands.Incr(t.Context(), "key"); cmd.Err() != errDown || len(made) != 1 { //nolint:errorlint // as it was
			t.Errorf("once: %v after %d attempts", cmd.Err(), len(made))
		}
		answer := policy.Answer(errDown)
		attempts(3, answer)
		if cmd := commands.Get(t.Context(), "key"); cmd.Err() != answer || len(made) != 1 { //nolint:errorlint // as it was
			t.Errorf("an answer: %v after %d attempts", cmd.Err(), len(made))
		}
		attempts(3, errDown)
		if cmd := commands.Do(t.Context(), strings.NewReader("text")); len(made) != 1 || !errors.Is(cmd.Err(), errDown) {
			t.Errorf("with a reader: %v after %d attempts", cmd.Err(), len(made))
		}

		// Where no attempt is made there is no command yet.
		attempts(0, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if cmd := commands.Get(ctx, "key"); !errors.Is(cmd.Err(), policy.ErrCancelled) || len(made) > 0 {
			t.Errorf("cancelled: %v after %d attempts", cmd.Err(), len(made))
		}
		r.Fill = nil // the target returns nil, which is nobody's failure
		if cmd := commands.Get(t.Context(), "key"); cmd != nil {
			t.Errorf("%v, want what the target returns", cmd)
		}
	})
}

// row fails as often as it is told, and says who scanned it into what.
type row struct{ scan func(dest ...any) error }

func (r row) Scan(dest ...any) error { return r.scan(dest...) }

// TestRowsAreAskedWhenTheyAreScanned, under the policy: whether a query failed was
// known only then, and so it was never attempted again.
func TestRowsAreAskedWhenTheyAreScanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record.Recorder{}
		asked, fails := 0, 2
		r.Fill = func(results []any) {
			asked++
			if r.Method == "QueryRow" {
				if args := r.Args[2].([]any); r.Args[1] != "SELECT" || !slices.Equal(args, []any{1, "x"}) {
					t.Errorf("it is asked with %v", r.Args)
				}
			}
			ctx := r.Args[0].(context.Context)
			if _, ok := ctx.Deadline(); !ok || ctx.Value(key{}) != "value" {
				t.Error("it is asked in another context than the caller's, with a deadline")
			}
			failed := asked <= fails
			scans := 0
			*results[0].(*nasty.Row) = row{func(dest ...any) error {
				if failed {
					return errDown
				}
				if scans++; scans > 1 {
					return io.EOF
				}
				*dest[0].(*int) = 7
				return nil
			}}
		}
		querier, metrics := measured[nasty.Querier](t, r, "retried")
		ctx := context.WithValue(t.Context(), key{}, "value")

		var n int
		found := querier.QueryRow(ctx, "SELECT", 1, "x")
		if asked != 0 {
			t.Error("it is asked before it is scanned")
		}
		if err := found.Scan(&n); err != nil || n != 7 || asked != 3 {
			t.Errorf("%v, %d after %d attempts", err, n, asked)
		}
		if err := found.Scan(&n); err != io.EOF || asked != 3 { //nolint:errorlint // the row's own
			t.Errorf("scanned again: %v after %d attempts, want what the row says", err, asked)
		}
		asked, fails = 0, 3
		if err := querier.QueryRow(ctx, "SELECT", 1, "x").Scan(&n); !errors.Is(err, policy.ErrRetriesExhausted) || !errors.Is(err, errDown) {
			t.Errorf("got %v", err)
		}
		asked = 0
		if err := querier.Insert(ctx).Scan(&n); err != errDown || asked != 1 { //nolint:errorlint // as it was
			t.Errorf("once: %v after %d attempts", err, asked)
		}
		asked = 0
		if err := querier.Body(ctx, io.LimitReader(strings.NewReader("text"), 4)).Scan(&n); !errors.Is(err, errDown) || asked != 1 {
			t.Errorf("with a reader: %v after %d attempts", err, asked)
		}
		if got := metrics(); got.TotalOperations != 4 || got.RetryAttempts != 4 {
			t.Errorf("%+v", got.Totals)
		}
	})
}
