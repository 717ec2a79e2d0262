package clients

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/lib/pq"
	_ "github.com/mattn/go-sqlite3"
	_ "modernc.org/sqlite"
)

const (
	pgxNative = "github.com/jackc/pgx/v5"
	libPQ     = "github.com/lib/pq"
	goMySQL   = "github.com/go-sql-driver/mysql"
	mattn     = "github.com/mattn/go-sqlite3"
	modernc   = "modernc.org/sqlite"
)

var sqlFamily = &family{
	title: "SQL databases",
	intro: "pgx is used by its own pool here (tag it by [cladpgx](adapters.md)), the others by database/sql, which makes up to three attempts where a driver says `driver.ErrBadConn`: lib/pq says it also of a statement that was sent. pgx's `ErrConnClosed` does not say that nothing was sent either; its `SafeToRetry` does. Tag the `*sql.DB`'s connector by [cladsql](adapters.md): it tells reads from writes, heeds transactions and judges rows at their end. A read-only database (25006, 1290) is taken for a failover.",
}

// sqlDB is what the tests ask of a client.
type sqlDB interface {
	exec(ctx context.Context, statement string, args ...any) error
	query(ctx context.Context, statement string, dest any, args ...any) error
	close()
}

type poolDB struct{ *pgxpool.Pool }

func (db poolDB) exec(ctx context.Context, s string, args ...any) error {
	_, err := db.Exec(ctx, s, args...)
	return err
}

func (db poolDB) query(ctx context.Context, s string, dest any, args ...any) error {
	return db.QueryRow(ctx, s, args...).Scan(dest)
}
func (db poolDB) close() { db.Close() }

type stdDB struct{ *sql.DB }

func (db stdDB) exec(ctx context.Context, s string, args ...any) error {
	_, err := db.ExecContext(ctx, s, args...)
	return err
}

func (db stdDB) query(ctx context.Context, s string, dest any, args ...any) error {
	return db.QueryRowContext(ctx, s, args...).Scan(dest)
}
func (db stdDB) close() { _ = db.Close() }

// sqlClient is a client of a server that the machine runs.
type sqlClient struct {
	module, server, addr string
	open                 func(t *testing.T, o sqlOptions) sqlDB
}

type sqlOptions struct{ addr, user, database string }

var sqlClients = []sqlClient{
	{pgxNative, "PostgreSQL", "127.0.0.1:5432", openPGX},
	{libPQ, "PostgreSQL", "127.0.0.1:5432", openPQ},
	{goMySQL, "MariaDB", "127.0.0.1:3306", openMySQL},
}

func pgURL(o sqlOptions) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", o.user, o.addr, o.database)
}

func openPGX(t *testing.T, o sqlOptions) sqlDB {
	t.Helper()
	config, err := pgxpool.ParseConfig(pgURL(o))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return poolDB{pool}
}

func openPQ(t *testing.T, o sqlOptions) sqlDB {
	t.Helper()
	c, err := pq.NewConnector(pgURL(o))
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, sql.OpenDB(c))
}

func openMySQL(t *testing.T, o sqlOptions) sqlDB {
	t.Helper()
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.DBName, config.Logger = "tcp", o.addr, o.user, o.database, quiet
	config.MaxAllowedPacket = 1 << 20
	c, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, sql.OpenDB(c))
}

func openSQLite(t *testing.T, driver, file string) sqlDB {
	t.Helper()
	db, err := sql.Open(driver, file)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, db)
}

func closing(t *testing.T, db *sql.DB) sqlDB {
	t.Helper()
	t.Cleanup(func() { _ = db.Close() })
	return stdDB{db}
}

func (c sqlClient) user() string {
	if c.server == "MariaDB" {
		return "root"
	}
	return "postgres"
}

// options are those for the shared server, by way of addr.
func (c sqlClient) options(addr string) sqlOptions { return sqlOptions{addr, c.user(), "test"} }

func (c sqlClient) saw(t *testing.T) func(situation string, err error, want meaning) {
	return func(situation string, err error, want meaning) {
		t.Helper()
		sqlFamily.meets(t, c.module, situation, err, want)
	}
}

// tables counts those that tests made.
var tables atomic.Int64

// table makes one with the rows 1 and 2, and drops it in the end.
func table(t *testing.T, db sqlDB) string {
	t.Helper()
	name := fmt.Sprintf("clad_clients_%d", time.Now().UnixNano()+tables.Add(1))
	for _, s := range []string{
		"CREATE TABLE " + name + " (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0 CHECK (n < 100), s VARCHAR(10))",
		"INSERT INTO " + name + " (id) VALUES (1), (2)",
	} {
		if err := db.exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = db.exec(context.Background(), "DROP TABLE "+name) })
	return name
}

func TestSQLAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range sqlClients {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			addr := shared(t, c.server, c.addr)
			db := c.open(t, c.options(addr))
			answersOf(t, c, db, table(t, db))

			saw := c.saw(t)
			saw("too large", db.exec(t.Context(), "INSERT INTO "+table(t, db)+" (id, s) VALUES (3, 'more than ten letters')"), answered)
			if c.module == goMySQL {
				saw("a packet that is too large", db.exec(t.Context(), "SELECT '"+strings.Repeat("x", 2<<20)+"'"), refused)
			}
			saw("no such database", c.open(t, sqlOptions{addr, c.user(), "clad_nothing"}).exec(t.Context(), "SELECT 1"), answered)
			saw("no such user, or a wrong password", c.open(t, sqlOptions{addr, "clad_nobody", "test"}).exec(t.Context(), "SELECT 1"), answered)
		})
	}
}

// answersOf meets what any database answers.
func answersOf(t *testing.T, c sqlClient, db sqlDB, name string) {
	t.Helper()
	saw := c.saw(t)
	var n int
	param := "?"
	if c.server == "PostgreSQL" {
		param = "$1"
	}
	saw("no such row", db.query(t.Context(), "SELECT n FROM "+name+" WHERE id = 99", &n), answered)
	saw("the key exists already", db.exec(t.Context(), "INSERT INTO "+name+" (id) VALUES (1)"), answered)
	saw("a constraint", db.exec(t.Context(), "UPDATE "+name+" SET n = 100 WHERE id = 1"), answered)
	saw("no such table", db.exec(t.Context(), "SELECT n FROM clad_nothing"), answered)
	saw("a statement that is wrong", db.exec(t.Context(), "SELEC"), answered)
	saw("a column that does not fit what it is scanned into", db.query(t.Context(), "SELECT 'x'", &n), answered)
	saw("an argument of a type that cannot be sent", db.query(t.Context(), "SELECT n FROM "+name+" WHERE id = "+param, &n, struct{}{}), refused)
	want := unknown // their texts could be anybody's; cladpgx knows pgx's
	switch c.module {
	case libPQ:
		want = refused
	case goMySQL:
		want = mistaken
	}
	saw("too few arguments", db.query(t.Context(), "SELECT n FROM "+name+" WHERE id = "+param+" AND n = "+strings.Replace(param, "1", "2", 1), &n, 1), want)
}

func TestSQLPermissions(t *testing.T) {
	t.Parallel()
	for _, c := range sqlClients {
		addr := shared(t, c.server, c.addr)
		admin := c.open(t, c.options(addr))
		role := fmt.Sprintf("clad_reader_%d", time.Now().UnixNano()+tables.Add(1))
		make, drop := "CREATE ROLE "+role+" LOGIN", "DROP ROLE IF EXISTS "+role
		if c.module == goMySQL {
			make, drop = "CREATE USER "+role+"@'%'", "DROP USER IF EXISTS "+role+"@'%'"
		}
		name := table(t, admin)
		_ = admin.exec(t.Context(), drop)
		if err := admin.exec(t.Context(), make); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = admin.exec(context.Background(), drop) })
		reader := c.open(t, sqlOptions{addr, role, "test"})
		c.saw(t)("not permitted", reader.exec(t.Context(), "UPDATE "+name+" SET n = 1"), answered)
	}
}

// What another transaction does, and what becomes of the one that gives way.
func TestSQLContention(t *testing.T) {
	t.Parallel()
	for _, c := range sqlClients {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			addr := shared(t, c.server, c.addr)
			a, b := c.session(t, addr), c.session(t, addr)
			name := table(t, c.open(t, c.options(addr)))
			saw := c.saw(t)
			must := func(db sqlDB, statements ...string) {
				t.Helper()
				for _, s := range statements {
					if err := db.exec(t.Context(), s); err != nil {
						t.Fatal(s, err)
					}
				}
			}
			update := func(id int) string { return fmt.Sprintf("UPDATE %s SET n = n + 1 WHERE id = %d", name, id) }

			must(a, "BEGIN", update(1))
			must(b, "BEGIN", update(2))
			other := make(chan error, 1)
			go func() { other <- a.exec(t.Context(), update(2)) }()
			err := b.exec(t.Context(), update(1))
			if err == nil {
				err = <-other
			} else {
				_ = b.exec(t.Context(), "ROLLBACK")
				t.Log("the other one: ", <-other)
			}
			saw("a deadlock", err, waited)
			_ = a.exec(t.Context(), "ROLLBACK")
			_ = b.exec(t.Context(), "ROLLBACK")

			must(a, "BEGIN", update(1))
			if c.server == "PostgreSQL" {
				must(b, "SET lock_timeout = '10ms'")
			} else {
				must(b, "SET innodb_lock_wait_timeout = 0")
			}
			saw("a lock is not to be had in time", b.exec(t.Context(), update(1)), waited)
			must(a, "COMMIT")

			if c.server == "PostgreSQL" {
				must(a, "BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT n FROM "+name)
				must(b, update(1))
				saw("transactions that cannot be one after another", a.exec(t.Context(), update(1)), waited)
				must(a, "ROLLBACK")
				must(b, "SET default_transaction_read_only = on")
				saw("a statement runs into the server's own timeout", func() error {
					must(a, "SET statement_timeout = '20ms'")
					return a.exec(t.Context(), "SELECT pg_sleep(5)")
				}(), unmade)
				must(a, "SET statement_timeout = 0")
				saw("a write to what is read-only", b.exec(t.Context(), update(1)), unmade)
			} else {
				must(b, "START TRANSACTION READ ONLY")
				saw("a write to what is read-only", b.exec(t.Context(), update(1)), unmade)
				must(b, "ROLLBACK")
				must(a, "SET max_statement_time = 0.02")
				saw("a statement runs into the server's own timeout", a.exec(t.Context(), "SELECT sum(seq * seq % 7) FROM seq_1_to_1000000000"), failed)
			}
		})
	}
}

// session is a database of one connection.
func (c sqlClient) session(t *testing.T, addr string) sqlDB {
	t.Helper()
	if c.module == pgxNative {
		conn, err := pgx.Connect(t.Context(), pgURL(c.options(addr)))
		if err != nil {
			t.Fatal(err)
		}
		db := connDB{conn}
		t.Cleanup(db.close)
		return db
	}
	conn, err := c.open(t, c.options(addr)).(stdDB).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return fixedDB{conn}
}

type fixedDB struct{ *sql.Conn }

func (db fixedDB) exec(ctx context.Context, s string, args ...any) error {
	_, err := db.ExecContext(ctx, s, args...)
	return err
}

func (db fixedDB) query(ctx context.Context, s string, dest any, args ...any) error {
	return db.QueryRowContext(ctx, s, args...).Scan(dest)
}
func (db fixedDB) close() { _ = db.Close() }

type connDB struct{ *pgx.Conn }

func (db connDB) exec(ctx context.Context, s string, args ...any) error {
	_, err := db.Exec(ctx, s, args...)
	return err
}

func (db connDB) query(ctx context.Context, s string, dest any, args ...any) error {
	return db.QueryRow(ctx, s, args...).Scan(dest)
}
func (db connDB) close() { _ = db.Close(context.Background()) }

func TestSQLConnections(t *testing.T) {
	t.Parallel()
	for _, c := range sqlClients {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			addr := shared(t, c.server, c.addr)
			saw := c.saw(t)
			saw("nobody listens", c.open(t, c.options("127.0.0.1:"+freePort(t))).exec(t.Context(), "SELECT 1"), unmade)
			saw("the server hangs up at once", c.open(t, c.options(rude(t))).exec(within(t, 5*time.Second), "SELECT 1"), map[string]meaning{
				pgxNative: unmade, libPQ: unknown, goMySQL: unknown,
			}[c.module])

			// Of a fixed connection: of others database/sql would hide what lib/pq says.
			admin, db := c.open(t, c.options(addr)), c.session(t, addr)
			name := table(t, admin)
			self, kill, sleep := "SELECT pg_backend_pid()", "SELECT pg_terminate_backend(%d)", "UPDATE "+name+" SET n = n + 1 WHERE pg_sleep(2) IS NOT NULL"
			if c.server == "MariaDB" {
				self, kill, sleep = "SELECT connection_id()", "KILL %d", "UPDATE "+name+" SET n = n + 1 WHERE sleep(2) = 0"
			}
			var pid int
			if err := db.query(t.Context(), self, &pid); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(200*time.Millisecond, func() { _ = admin.exec(context.Background(), fmt.Sprintf(kill, pid)) })
			saw("the connection is terminated while a statement runs", db.exec(within(t, 10*time.Second), sleep), map[string]meaning{
				pgxNative: failed, libPQ: failed, goMySQL: unknown,
			}[c.module])

			k := newLink(t, addr)
			far := c.session(t, k.addr)
			if err := far.exec(t.Context(), "SELECT 1"); err != nil {
				t.Fatal(err)
			}
			k.swallow()
			time.AfterFunc(200*time.Millisecond, func() { k.heal(); k.cut() })
			saw("the connection breaks while a statement runs", far.exec(within(t, 5*time.Second), "UPDATE "+name+" SET n = n + 1"), map[string]meaning{
				pgxNative: unknown, libPQ: failed, goMySQL: unknown,
			}[c.module])

			admin = c.open(t, c.options(addr))
			admin.close()
			want := refused
			if c.module == pgxNative {
				want = unknown // its text could be anybody's; cladpgx knows the error itself
			}
			saw("a client that was closed", admin.exec(t.Context(), "SELECT 1"), want)
		})
	}
}

// rude runs a server that hangs up on all who come.
func rude(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func TestSQLDeadlinesAndRetries(t *testing.T) {
	t.Parallel()
	advice := map[string]string{
		pgxNative: "[cladpgx](adapters.md); `MaxConnIdleTime` below the server's and the firewalls' patience",
		libPQ:     "[cladsql](adapters.md), which cuts a connection that does not hear its deadline; or pgx",
		goMySQL:   "[cladsql](adapters.md); `Timeout`, `ReadTimeout` for calls without a deadline",
	}
	for _, c := range sqlClients {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			addr := shared(t, c.server, c.addr)
			admin := c.open(t, c.options(addr))
			const soon, patience = 300 * time.Millisecond, 3 * time.Second
			hang := func(ctx context.Context) (took time.Duration, err error) {
				k := newLink(t, addr)
				db := c.open(t, c.options(k.addr))
				if err := db.exec(t.Context(), "SELECT 1"); err != nil {
					t.Fatal(err)
				}
				k.swallow()
				stop := time.AfterFunc(patience, k.cut)
				defer stop.Stop()
				start := time.Now()
				err = db.exec(ctx, "SELECT 1")
				return time.Since(start), err
			}
			deadline, err := hang(within(t, soon))
			if deadline < patience {
				sqlFamily.meets(t, c.module, "the deadline passes at a server that hangs", err, unknown)
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(soon, cancel)
			cancelled, _ := hang(ctx)
			way := way{retries: repeatsOf(t, c, addr, admin), set: advice[c.module]}
			way.deadline, way.cancellation = heard(deadline, soon), heard(cancelled, soon)
			if deadline >= patience {
				way.deadline = "no: it waits for the server to say that the statement is cancelled"
			}
			if cancelled >= patience {
				way.cancellation = "no"
			}
			sqlFamily.behaves(c.module, way)
		})
	}
}

// repeatsOf counts how often a statement was executed whose answers get lost with
// the connection.
func repeatsOf(t *testing.T, c sqlClient, addr string, admin sqlDB) string {
	t.Helper()
	name := table(t, admin)
	k := newLink(t, addr)
	db := c.open(t, c.options(k.addr))
	if err := db.exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	k.swallow()
	time.AfterFunc(300*time.Millisecond, func() { k.heal(); k.cut() })
	_ = db.exec(within(t, 5*time.Second), "UPDATE "+name+" SET n = n + 1 WHERE id = 1")
	var n int
	if err := admin.query(t.Context(), "SELECT n FROM "+name+" WHERE id = 1", &n); err != nil {
		t.Fatal(err)
	}
	if n == 1 {
		return "no"
	}
	return fmt.Sprintf("one UPDATE was executed %d times, by database/sql", n)
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	for module, driver := range map[string]string{mattn: "sqlite3", modernc: "sqlite"} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			c := sqlClient{module: module}
			saw := c.saw(t)
			file := "file:" + filepath.Join(t.TempDir(), "test.db")
			db, other := openSQLite(t, driver, file), openSQLite(t, driver, file)
			other.(stdDB).SetMaxOpenConns(1)
			name := table(t, db)
			answersOf(t, c, db, name)
			if err := other.exec(t.Context(), "BEGIN IMMEDIATE"); err != nil {
				t.Fatal(err)
			}
			impatient := openSQLite(t, driver, file+map[string]string{mattn: "?_busy_timeout=0", modernc: "?_pragma=busy_timeout(0)"}[module])
			saw("another transaction has the database", impatient.exec(t.Context(), "UPDATE "+name+" SET n = 1"), waited)

			patient := openSQLite(t, driver, file+map[string]string{mattn: "?_busy_timeout=2000", modernc: "?_pragma=busy_timeout(2000)"}[module])
			const soon = 300 * time.Millisecond
			deadline := took(func() { _ = patient.exec(within(t, soon), "UPDATE "+name+" SET n = 1") })
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(soon, cancel)
			cancelled := took(func() { _ = patient.exec(ctx, "UPDATE "+name+" SET n = 1") })
			way := way{retries: "no", set: "a busy timeout below the policy's timeout of an attempt"}
			way.deadline, way.cancellation = heard(deadline, soon), heard(cancelled, soon)
			if deadline > time.Second {
				way.deadline = "not while it waits for a lock: after the busy timeout"
			}
			if cancelled > time.Second {
				way.cancellation = "likewise"
			}
			sqlFamily.behaves(module, way)
			if err := other.exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}

			saw("a write to what is read-only", openSQLite(t, driver, file+"?mode=ro").exec(t.Context(), "UPDATE "+name+" SET n = 1"), answered)
			saw("no such file", openSQLite(t, driver, "file:"+filepath.Join(t.TempDir(), "a", "b")).exec(t.Context(), "SELECT 1"), failed)
			db.close()
			saw("a client that was closed", db.exec(t.Context(), "SELECT 1"), refused)
		})
	}
}
