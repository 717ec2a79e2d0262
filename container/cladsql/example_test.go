package cladsql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
)

// A tagged connector, and a *sql.DB made of it, which is guarded. A program gets
// its connector from cladsql.NewConnector("pgx", dsn), say.
func Example() {
	database := &fake{conn: conns["everything"], fail: failing(1, "query-context", errors.New("connection lost"))}
	newConnector := func() driver.Connector { return database }

	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"database": policy.Combine(
			policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Millisecond)},
			policy.CircuitBreaker{},
			policy.Timeout(5*time.Second)),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = errors.Join(
		box.Provide(container.Tag(newConnector, "database")),
		box.Provide(sql.OpenDB))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = box.Invoke(func(db *sql.DB) error {
		defer func() { _ = db.Close() }()
		var n int
		err := db.QueryRowContext(context.Background(), "SELECT a FROM t").Scan(&n)
		fmt.Println(n, err, "after", database.count("query-context"), "attempts")
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: 1 <nil> after 2 attempts
}

func ExampleIsRead() {
	for _, query := range []string{
		"SELECT name, count(*) FROM customers GROUP BY name",
		"INSERT INTO customers (name) VALUES ($1) RETURNING id",
		"SELECT charge_customer($1)",
	} {
		fmt.Println(cladsql.IsRead(query))
	}
	// Output:
	// true
	// false
	// false
}
