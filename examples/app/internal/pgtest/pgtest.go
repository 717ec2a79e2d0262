// Package pgtest finds a PostgreSQL server for tests.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// URL returns the URL of an empty schema, dropped after the test. The
// server is that of DATABASE_URL, or one on this machine that trusts us. Where
// there is none the test is skipped, or fails if CLAD_REQUIRE_SERVICES is 1.
func URL(t *testing.T) string {
	t.Helper()
	server := os.Getenv("DATABASE_URL")
	if !strings.HasPrefix(server, "postgres") {
		server = "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
			t.Fatalf("CLAD_REQUIRE_SERVICES=1, but there is no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL (set DATABASE_URL to use one elsewhere): %v", err)
	}
	schema := "clad_test_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if _, err := conn.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		if err := conn.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
