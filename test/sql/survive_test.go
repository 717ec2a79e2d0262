package sqltest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladpgx"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/internal/failover"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	pgxModule   = "github.com/jackc/pgx/v5"
	pqModule    = "github.com/lib/pq"
	mysqlModule = "github.com/go-sql-driver/mysql"
)

// A restart was seen for ten times as long: dead connections that calls had taken
// and left, refused, were taken for fresh ones, and one after the other met the
// probes.
func TestRestartOfPostgresIsSurvived(t *testing.T) {
	t.Parallel()
	server := newPostgres(t)
	failover.Survive(t, func() failover.Run {
		return failover.Run{
			Failover: "PostgreSQL is restarted", Server: server.version(t), Clients: postgresClients(t, server.dsn()),
			Happen: func() {
				start := time.Now()
				server.stop(t, "fast")
				// real time: a server that restarts takes its time
				time.Sleep(1500*time.Millisecond - time.Since(start))
				server.start(t)
			},
		}
	})
	failover.Survive(t, func() failover.Run {
		clients := postgresClients(t, server.dsn())
		admin := sql.OpenDB(connector(t, "pgx", server.dsn()))
		t.Cleanup(func() { _ = admin.Close() })
		return failover.Run{
			Failover: "PostgreSQL ends all connections", Server: server.version(t), Clients: clients,
			Happen: func() {
				if err := drain(admin.QueryContext(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")); err != nil {
					t.Error(err)
				}
			},
		}
	})
}

func TestStandbyOfPostgresIsSurvived(t *testing.T) {
	t.Parallel()
	failover.Survive(t, func() failover.Run {
		primary := newPostgres(t)
		standby := primary.standby(t)
		return failover.Run{
			Failover: "PostgreSQL is killed, and its standby promoted", Server: primary.version(t),
			Clients: postgresClients(t, primary.dsn(standby)),
			Forgets: true, // the standby follows later
			Happen: func() {
				primary.stop(t, "immediate")
				// real time: somebody notices, and decides
				time.Sleep(1500 * time.Millisecond)
				standby.promote(t)
			},
		}
	})
}

func TestFailoversOfMariaDBAreSurvived(t *testing.T) {
	t.Parallel()
	server := newMariaDB(t)
	clients := func() []failover.Client {
		return []failover.Client{standard(t, mysqlModule, "", connector(t, "mysql", server.dsn("clad")), "?")}
	}
	failover.Survive(t, func() failover.Run {
		return failover.Run{
			Failover: "MariaDB is killed and started again", Server: server.version(t), Clients: clients(),
			Happen: func() {
				server.kill()
				// real time: somebody notices
				time.Sleep(time.Second)
				server.start(t)
			},
		}
	})
	// It takes no writes (error 1290), as a replica that is not the master yet.
	// Reads go on, and would keep a breaker closed.
	failover.Survive(t, func() failover.Run {
		clients := clients()
		clients[0].Bare.Read, clients[0].Guarded.Read = nil, nil
		return failover.Run{
			Failover: "MariaDB is a replica that is promoted", Server: server.version(t), Clients: clients,
			Happen: func() {
				server.do(t, "SET GLOBAL read_only = 1")
				// real time: somebody decides
				time.Sleep(2 * time.Second)
				server.do(t, "SET GLOBAL read_only = 0")
			},
		}
	})
}

func connector(t *testing.T, driver, dsn string) driver.Connector {
	t.Helper()
	c, err := cladsql.NewConnector(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// postgresClients are pools that have many idle connections.
func postgresClients(t *testing.T, dsn string) []failover.Client {
	t.Helper()
	clients := []failover.Client{
		standard(t, pgxModule, "database/sql", connector(t, "pgx", dsn), "$1"),
		standard(t, pqModule, "", connector(t, "postgres", dsn), "$1"),
	}
	bare, guarded := pools(t, dsn)
	effects := clients[0].Effects
	return append(clients, failover.Client{Module: pgxModule, Way: "pgxpool", Bare: poolCalls(bare), Guarded: poolCalls(guarded), Effects: effects})
}

// standard is a driver by way of database/sql.
func standard(t *testing.T, module, way string, c driver.Connector, placeholder string) failover.Client {
	t.Helper()
	r, err := newOrchestrator(t).For("db", failover.Policy)
	if err != nil {
		t.Fatal(err)
	}
	bare, guarded := sql.OpenDB(c), sql.OpenDB(cladsql.Wrap(c, r))
	if _, err := bare.ExecContext(t.Context(), "CREATE TABLE IF NOT EXISTS effects (id VARCHAR(100))"); err != nil {
		t.Fatal(err)
	}
	if _, err := bare.ExecContext(t.Context(), "DELETE FROM effects"); err != nil {
		t.Fatal(err)
	}
	for _, db := range []*sql.DB{bare, guarded} {
		t.Cleanup(func() { _ = db.Close() })
		fill(t, db, 16)
		fill(t, db, 16) // used again: now pgx trusts them for a second
	}
	calls := func(db *sql.DB) failover.Calls {
		return failover.Calls{
			Read: func(ctx context.Context) error { return drain(db.QueryContext(ctx, "SELECT 1")) },
			Write: func(ctx context.Context, id string) error {
				_, err := db.ExecContext(ctx, "INSERT INTO effects VALUES ("+placeholder+")", id)
				return err
			},
		}
	}
	return failover.Client{Module: module, Way: way, Bare: calls(bare), Guarded: calls(guarded), Effects: func(ctx context.Context) (ids []string, err error) {
		db := sql.OpenDB(c) // its connections are alive
		defer func() { _ = db.Close() }()
		rows, err := db.QueryContext(ctx, "SELECT id FROM effects")
		if err != nil {
			return nil, err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, rows.Err()
	}}
}

// pools returns a pool of pgx, and one that is guarded.
func pools(t *testing.T, dsn string) (bare *pgxpool.Pool, guarded cladpgx.DB) {
	t.Helper()
	open := func() *pgxpool.Pool {
		pool, err := pgxpool.New(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"db": failover.Policy}})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(open, "db", container.As[cladpgx.DB]())); err != nil {
		t.Fatal(err)
	}
	if err := box.Invoke(func(db cladpgx.DB) { guarded = db }); err != nil {
		t.Fatal(err)
	}
	return open(), guarded
}

// poolCalls are those of either pool.
func poolCalls(db interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) failover.Calls {
	return failover.Calls{
		Read: func(ctx context.Context) error {
			var n int
			return db.QueryRow(ctx, "SELECT 1").Scan(&n)
		},
		Write: func(ctx context.Context, id string) error {
			_, err := db.Exec(ctx, "INSERT INTO effects VALUES ($1)", id)
			return err
		},
	}
}
