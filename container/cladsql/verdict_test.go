package cladsql_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cladgo/clad/policy"
)

// How often each error has a read and a write attempted, of 3: what it says of
// the database shows by that. Those of MySQL and SQLite are tested with their
// drivers.
func TestErrorsAreUnderstood(t *testing.T) {
	const failure, undone, answer = "failure", "undone", "answer"
	for _, c := range []struct {
		err  error
		want string
	}{
		{errLost, failure},
		{stateError("08006"), failure},
		{stateError("53300"), failure},
		{stateError("57P01"), failure},
		{stateError("58030"), failure},
		{stateError("XX000"), failure},
		{stateError(""), failure},
		{stateError("40001"), undone},
		{stateError("55P03"), undone},
		{stateError("23505"), answer},
		{stateError("42601"), answer},
		{stateError("28P01"), answer},
		{stateError("22012"), answer},
		{fmt.Errorf("query: %w", stateError("42601")), answer},
		{errors.Join(errLost, stateError("42601")), answer},
	} {
		got := failure
		f := &fake{fail: failing(3, "exec-context", c.err)}
		_, err := open(t, f, atOnce(3)).ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		switch {
		case policy.IsPermanent(err):
			got = answer
		case f.count("exec-context") == 3:
			got = undone
		}
		if got != c.want {
			t.Errorf("%v is taken for: %s, want: %s", c.err, got, c.want)
		}
	}
}
