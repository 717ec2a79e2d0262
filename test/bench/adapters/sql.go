package adapters

import (
	"context"
	"database/sql"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
	_ "modernc.org/sqlite" // the driver
)

func sqlCases() []Case {
	var all []Case
	for _, of := range []struct {
		row  string
		open func(*sql.DB) (*opened, error)
	}{
		{"sql-query", func(db *sql.DB) (*opened, error) {
			return &opened{call: func(ctx context.Context) error {
				var n int
				return db.QueryRowContext(ctx, "SELECT n FROM t WHERE id = ?", 1).Scan(&n)
			}, close: db.Close}, nil
		}},
		{"sql-exec", func(db *sql.DB) (*opened, error) {
			return &opened{call: func(ctx context.Context) error {
				_, err := db.ExecContext(ctx, "UPDATE t SET n = ? WHERE id = ?", 3, 1)
				return err
			}, close: db.Close}, nil
		}},
		{"sql-prepared", func(db *sql.DB) (*opened, error) {
			s, err := db.PrepareContext(context.Background(), "SELECT n FROM t WHERE id = ?") //nolint:sqlclosecheck // with the database
			if err != nil {
				return nil, err
			}
			return &opened{call: func(ctx context.Context) error {
				var n int
				return s.QueryRowContext(ctx, 1).Scan(&n)
			}, close: db.Close}, nil
		}},
	} {
		open := func(r policy.Runner) func() (*opened, error) {
			return func() (*opened, error) {
				db, err := database(r)
				if err != nil {
					return nil, err
				}
				return of.open(db)
			}
		}
		all = append(all, bare(of.row, open(nil))...)
		all = append(all, Case{Row: of.row, System: "clad", Form: "cladsql", open: func() (*opened, error) {
			o, r, err := runner("db")
			if err != nil {
				return nil, err
			}
			made, err := open(r)()
			if err == nil {
				before := o.Metrics().SuccessfulOperations // what made the table
				made.protected = func(calls uint64) error { return books(o, "db")(before + calls) }
			}
			return made, err
		}})
	}
	return all
}

// runner is an orchestrator's, for an operation of that name.
func runner(operation string) (*container.Orchestrator, policy.Runner, error) {
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		return nil, nil, err
	}
	r, err := o.For(operation, protection())
	return o, r, err
}

// database is one in memory with one table of one row, on one connection.
func database(r policy.Runner) (*sql.DB, error) {
	var db *sql.DB
	var err error
	if r == nil {
		db, err = sql.Open("sqlite", ":memory:")
	} else {
		db, err = cladsql.Open("sqlite", ":memory:", r)
	}
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range []string{"CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)", "INSERT INTO t VALUES (1, 2)"} {
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			return nil, err
		}
	}
	return db, nil
}
