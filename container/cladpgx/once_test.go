package cladpgx_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5"
)

// A procedure, or a block, may have committed something before it met a lock: the error
// says that nothing was done, and that is said of what came after.
func TestWhatMayCommitInTheMiddleIsNotDoneAgain(t *testing.T) {
	name, count := table(t)
	held, err := newPool(t, postgres).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Rollback(t.Context()) }()
	if _, err := held.Exec(t.Context(), "LOCK TABLE "+name+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	log, counted := table(t)
	bare := newPool(t, postgres)
	work := fmt.Sprintf(`BEGIN
		INSERT INTO %[1]s SELECT coalesce(max(id), 0) + 1 FROM %[1]s;
		COMMIT;
		LOCK TABLE %[2]s NOWAIT;
		INSERT INTO %[2]s VALUES (1);
	END`, log, name)
	if _, err := bare.Exec(t.Context(), "CREATE PROCEDURE "+log+"_work() LANGUAGE plpgsql AS $$ "+work+" $$"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = bare.Exec(context.Background(), "DROP PROCEDURE "+log+"_work") })
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{})
	done := 0
	for _, c := range []struct {
		sql  string
		args []any
	}{
		{sql: "CALL " + log + "_work()"},
		{sql: "-- name: Work :exec\n/* a (comment) */ call " + log + "_work()"},
		{sql: "DO $$ " + work + " $$"},
		{sql: fmt.Sprintf("BEGIN; INSERT INTO %[1]s SELECT coalesce(max(id), 0) + 1 FROM %[1]s; COMMIT; LOCK TABLE %[2]s NOWAIT", log, name),
			args: []any{pgx.QueryExecModeSimpleProtocol}},
	} {
		_, err := db.Exec(t.Context(), c.sql, c.args...)
		if done++; err == nil || counted() != done || count() != 0 {
			t.Errorf("%s: done %d times: %v", c.sql, counted()-done+1, err)
			done = counted()
		}
	}
	if got := o.Metrics().RetryAttempts; got != 0 {
		t.Errorf("%d attempts more", got)
	}
	// One statement is done or not.
	conflict := "CREATE FUNCTION " + log + "_conflict() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'a conflict' USING ERRCODE = '40001'; END $$"
	if _, err := bare.Exec(t.Context(), conflict); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = bare.Exec(context.Background(), "DROP FUNCTION "+log+"_conflict") })
	if _, err := db.Exec(t.Context(), "-- name: Add :exec\nINSERT INTO "+log+" SELECT "+log+"_conflict() ON CONFLICT DO NOTHING;"); err == nil {
		t.Error("there is no conflict")
	}
	if got := o.Metrics().RetryAttempts; got != 2 {
		t.Errorf("%d attempts more", got)
	}
}
