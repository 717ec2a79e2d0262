package cladsql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/cladgo/clad/policy"
)

// What each error says shows by how often a write is attempted, of 3, and by what
// it does to a breaker. Those of MySQL and SQLite are tested with their drivers.
func TestErrorsAreUnderstood(t *testing.T) {
	const failure, undone, contended, answer = "a failure", "a failure without effect", "contention", "an answer"
	for _, c := range []struct {
		err  error
		want string
	}{
		{errLost, failure},
		{stateError("08006"), failure},
		{stateError("53100"), failure},
		{stateError("57P01"), failure},
		{stateError("58030"), failure},
		{stateError("XX000"), failure},
		{stateError(""), failure},
		{stateError("53300"), undone},
		{stateError("57014"), undone},
		{stateError("40001"), contended},
		{stateError("40P01"), contended},
		{stateError("55P03"), contended},
		{stateError("23505"), answer},
		{stateError("42601"), answer},
		{stateError("28P01"), answer},
		{stateError("22012"), answer},
		{stateError("08P01"), answer},
		{sql.ErrNoRows, answer},
		{fmt.Errorf("query: %w", stateError("42601")), answer},
		{errors.Join(errLost, stateError("42601")), answer},
	} {
		box := newOrchestrator(t)
		if err := box.RegisterCircuitBreaker("b", policy.CircuitBreaker{FailureThreshold: 1}); err != nil {
			t.Fatal(err)
		}
		r, err := box.For("db", policy.Combine(policy.CircuitBreaker{Name: "b"}, atOnce(3)))
		if err != nil {
			t.Fatal(err)
		}
		f := &fake{fail: failing(3, "exec-context", c.err)}
		_, err = openUnder(t, f, r).ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		if !errors.Is(err, c.err) {
			t.Errorf("%v came out as %v", c.err, err)
		}
		attempts, m := f.count("exec-context"), box.Metrics()
		got := fmt.Sprintf("%d attempts, answered %d, trips %d", attempts, m.Answered, m.CircuitBreakerTrips)
		switch {
		case attempts == 1 && m.Answered == 1 && m.CircuitBreakerTrips == 0:
			got = answer
		case attempts == 1 && m.CircuitBreakerTrips == 1:
			got = failure
		case attempts == 3 && m.CircuitBreakerTrips == 1:
			got = undone
		case attempts == 3 && m.CircuitBreakerTrips == 0:
			got = contended
		}
		if got != c.want {
			t.Errorf("%v is taken for %s, want %s", c.err, got, c.want)
		}
	}
}

// A procedure, or several statements at once, may have committed something before they
// met what says that nothing was done.
func TestWhatMayCommitInTheMiddleIsNotDoneAgain(t *testing.T) {
	for query, want := range map[string]int{
		"INSERT INTO t VALUES (1)": 3, "INSERT INTO t VALUES (1);": 3,
		"CALL work()": 1, "DO $$ COMMIT $$": 1, "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)": 1,
	} {
		for _, state := range []string{"40P01", "55P03", "25006", "57014"} {
			f := &fake{fail: failing(3, "exec-context", stateError(state))}
			_, _ = openUnder(t, f, runner(t, atOnce(3))).ExecContext(t.Context(), query)
			if got := f.count("exec-context"); got != want {
				t.Errorf("%s, %s: %d attempts, want %d", query, state, got, want)
			}
		}
	}
}
