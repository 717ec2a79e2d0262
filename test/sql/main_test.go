package sqltest_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
	"go.uber.org/goleak"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) {
	_ = mysql.SetLogger(&mysql.NopLogger{}) // connections are lost on purpose
	// pgx waits in the background, for seconds at the most, until the server has
	// ended the connection of a query that was cancelled.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgconn.(*PgConn).asyncClose.func1"),
		goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"))
}

// product is a database product by way of a driver.
type product struct {
	name   string
	driver string
	dsn    func(*testing.T) string

	placeholder func(n int) string
	// impatient is a statement that has a connection wait for locks as briefly
	// as it can.
	impatient string
	// slow reads for seconds, many reads more rows than fit on the way.
	slow, many string
	// returning has an INSERT give rows.
	returning string
	// self is the query for the id of the connection, kill ends one by its id,
	// busy counts those of an id that are at work.
	self, kill, busy string
	// abandoned finds the ids of those that are at work on statements that are
	// like an argument.
	abandoned string
}

func questionMark(int) string { return "?" }
func dollar(n int) string     { return fmt.Sprintf("$%d", n) }
func fixed(dsn string) func(*testing.T) string {
	return func(*testing.T) string { return dsn }
}

const slowSeries = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < %d) SELECT count(*) FROM s"

var products = []product{
	{
		name: "SQLite", driver: "sqlite",
		dsn: func(t *testing.T) string {
			t.Helper()
			return "file:" + filepath.Join(t.TempDir(), "test.db") + "?_pragma=journal_mode(wal)"
		},
		placeholder: questionMark,
		impatient:   "PRAGMA busy_timeout = 0",
		slow:        fmt.Sprintf(slowSeries, 100_000_000),
	},
	{
		name: "PostgreSQL", driver: "pgx",
		dsn:         fixed("postgres://postgres@127.0.0.1:5432/test?sslmode=disable"),
		placeholder: dollar,
		impatient:   "SET lock_timeout = '10ms'",
		slow:        "SELECT count(*) FROM generate_series(1, 100000000)",
		many:        "SELECT generate_series(1, 5000000)",
		returning:   " RETURNING id",
		self:        "SELECT pg_backend_pid()", kill: "SELECT pg_terminate_backend(%d)",
		busy:      "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state = 'active'",
		abandoned: "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE $1",
	},
	{
		name: "PostgreSQL, lib/pq", driver: "postgres",
		dsn:         fixed("postgres://postgres@127.0.0.1:5432/test?sslmode=disable"),
		placeholder: dollar,
		impatient:   "SET lock_timeout = '10ms'",
		slow:        "SELECT count(*) FROM generate_series(1, 100000000)",
		many:        "SELECT generate_series(1, 5000000)",
		returning:   " RETURNING id",
		self:        "SELECT pg_backend_pid()", kill: "SELECT pg_terminate_backend(%d)",
		busy:      "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state = 'active'",
		abandoned: "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND state = 'active' AND query LIKE $1",
	},
	{
		name: "MariaDB", driver: "mysql",
		dsn:         fixed("root@tcp(127.0.0.1:3306)/test?parseTime=true&max_statement_time=10"),
		placeholder: questionMark,
		impatient:   "SET innodb_lock_wait_timeout = 0",
		slow:        "SELECT sum(seq * seq % 7) FROM seq_1_to_1000000000",
		many:        "SELECT seq FROM seq_1_to_5000000",
		returning:   " RETURNING id",
		self:        "SELECT connection_id()", kill: "KILL %d",
		busy:      "SELECT count(*) FROM information_schema.processlist WHERE id = %d AND command = 'Query'",
		abandoned: "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND info LIKE ?",
	},
	{
		name: "MariaDB, interpolated", driver: "mysql",
		dsn:         fixed("root@tcp(127.0.0.1:3306)/test?parseTime=true&max_statement_time=10&interpolateParams=true"),
		placeholder: questionMark,
		impatient:   "SET innodb_lock_wait_timeout = 0",
		slow:        "SELECT sum(seq * seq % 7) FROM seq_1_to_1000000000",
		many:        "SELECT seq FROM seq_1_to_5000000",
		returning:   " RETURNING id",
		self:        "SELECT connection_id()", kill: "KILL %d",
		busy:      "SELECT count(*) FROM information_schema.processlist WHERE id = %d AND command = 'Query'",
		abandoned: "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND info LIKE ?",
	},
}

// each runs a test on each product that is there, on all at once.
func each(t *testing.T, test func(*testing.T, *database)) {
	t.Helper()
	for _, p := range products {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel() // most of the time somebody waits
			test(t, connect(t, p))
		})
	}
}

// database is a product that is there, and what a test did to it.
type database struct {
	product
	connector driver.Connector
	plain     *sql.DB // unguarded
	table     string  // (id, name, amount, born), empty at first

	orchestrator *container.Orchestrator
}

func connect(t *testing.T, p product) *database {
	t.Helper()
	c, err := cladsql.NewConnector(p.driver, p.dsn(t))
	if err != nil {
		t.Fatal(err)
	}
	d := &database{product: p, connector: c, plain: sql.OpenDB(c), table: "clad_" + strings.ToLower(rand.Text())}
	t.Cleanup(func() { _ = d.plain.Close() })
	if err := d.plain.PingContext(t.Context()); err != nil {
		if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
			t.Fatalf("%s is required and away: %v", p.name, err)
		}
		t.Skipf("%s is away: %v", p.name, err)
	}
	d.do(t, "CREATE TABLE %s (id INTEGER PRIMARY KEY, name VARCHAR(20), amount DECIMAL(10, 2), born TIMESTAMP NULL)")
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if d.abandoned != "" {
			d.killAbandoned(ctx, t)
		}
		_, _ = d.plain.ExecContext(ctx, "DROP TABLE "+d.table)
	})
	d.slow = strings.Replace(d.slow, "SELECT", "SELECT /* "+d.table+" */", 1)
	d.renew(t)
	return d
}

// killAbandoned ends the slow statements whose client has left: a server may go on
// with them.
func (d *database) killAbandoned(ctx context.Context, t *testing.T) {
	t.Helper()
	rows, err := d.plain.QueryContext(ctx, d.abandoned, "%/* "+d.table+" */%")
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = rows.Close() }()
	var ids []int
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Error(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		t.Error(err)
	}
	for _, id := range ids {
		_, _ = d.plain.ExecContext(ctx, fmt.Sprintf(d.kill, id)) // it may be over by now
	}
}

// do executes a statement on the table by way of the unguarded database.
func (d *database) do(t *testing.T, format string, args ...any) {
	t.Helper()
	if _, err := d.plain.ExecContext(t.Context(), fmt.Sprintf(format, append([]any{d.table}, args...)...)); err != nil {
		t.Fatal(err)
	}
}

// guarded opens the database under the layers.
func (d *database) guarded(t *testing.T, layers ...policy.Policy) *sql.DB {
	t.Helper()
	r, err := d.orchestrator.For("db", policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(cladsql.Wrap(d.connector, r))
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// renew has databases that are guarded from now on begin with new breakers.
func (d *database) renew(t *testing.T) {
	t.Helper()
	d.orchestrator = newOrchestrator(t)
}

func newOrchestrator(t *testing.T) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (d *database) metrics() policy.Totals { return d.orchestrator.Metrics().Totals }

// insert is the statement with its placeholders.
func (d *database) insert() string {
	return fmt.Sprintf("INSERT INTO %s (id, name, amount, born) VALUES (%s, %s, %s, %s)",
		d.table, d.placeholder(1), d.placeholder(2), d.placeholder(3), d.placeholder(4))
}

func (d *database) count(t *testing.T) (n int) {
	t.Helper()
	if err := d.plain.QueryRowContext(t.Context(), "SELECT count(*) FROM "+d.table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// persistent is a retry that goes on until the test is over.
var persistent = policy.Retry{MaxAttempts: 1000, Backoff: policy.Fixed(5 * time.Millisecond)}

func atOnce(attempts int) policy.Retry {
	return policy.Retry{MaxAttempts: attempts, Backoff: policy.Fixed(0)}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 2000 {
		if done() {
			return
		}
		// real time: another process is waited for
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}
