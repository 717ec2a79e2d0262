package proxies_test

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/cladgo/clad/container/cladtest"
	"github.com/cladgo/clad/internal/answertest"
	"github.com/cladgo/clad/policy"
)

// A database in which nearly no row is that is looked for was taken for one that is
// down, by whatever a proxy is generated for.
func TestADatabaseOfAnswersIsWell(t *testing.T) {
	nowhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = nowhere.Close()
	policies := map[string]policy.Policy{
		"by a profile": cladtest.Catalog(t, `
			policies:
			  database: {circuit_breaker: {failure_rate: 0.5, min_requests: 5, window: 10s}}
		`).Policies["database"],
	}
	for name, breaker := range answertest.Breakers {
		policies[name] = breaker
	}
	for name, p := range policies {
		t.Run(name, func(t *testing.T) {
			config, err := pgxpool.ParseConfig("postgres://root@127.0.0.1:5432/test")
			if err != nil {
				t.Fatal(err)
			}
			var down atomic.Bool
			config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if down.Load() {
					addr = nowhere.Addr().String()
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
			pool, err := pgxpool.NewWithConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			if err := pool.Ping(t.Context()); err != nil {
				if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
					t.Fatal(err)
				}
				t.Skip(err)
			}
			db, totals := wrap[DB](t, pool, p)
			err = answertest.Dependency{
				Ask: func(fails bool) error {
					if fails {
						_, err := db.Exec(t.Context(), "DO $$ BEGIN RAISE 'the disk is broken' USING ERRCODE = 'io_error'; END $$")
						return err
					}
					var n int
					return db.QueryRow(t.Context(), "SELECT 1 WHERE false").Scan(&n)
				},
				Stop:   func() { down.Store(true); pool.Reset() },
				Totals: totals,
			}.Check()
			if err != nil {
				t.Error(err)
			}
		})
	}
}
