package cladpgx_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladpgx"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// fill has a pool keep n idle connections, and returns their backends.
func fill(t *testing.T, pool *pgxpool.Pool, n int) (backends []int32) {
	t.Helper()
	for range n {
		c, err := pool.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		backends = append(backends, int32(c.Conn().PgConn().PID()))
	}
	return backends
}

// Sixteen idle connections were ended by a healthy server: each was a failure, and
// each that a probe met later opened the breaker again.
func TestConnectionsThatEndTogetherAreOneEvent(t *testing.T) {
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{FailureThreshold: 2})
	pool := poolOf(t, db, 16)
	admin := newPool(t, postgres)
	for _, callers := range []int{1, 16} {
		// At once: a pool looks after connections that were idle for a second itself.
		backends := fill(t, pool, 16)
		if _, err := admin.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) pid", backends); err != nil {
			t.Fatal(err)
		}
		for alive := 1; alive > 0; {
			if err := admin.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1::int[])", backends).Scan(&alive); err != nil {
				t.Fatal(err)
			}
		}
		var load sync.WaitGroup
		for range callers {
			load.Go(func() {
				var n int
				if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&n); err != nil {
					t.Error(err)
				}
			})
		}
		load.Wait()
		if m := o.Metrics(); m.CircuitBreakerTrips != 0 || m.FailedOperations != 0 {
			t.Errorf("%d callers: counted %+v", callers, m.Totals)
		}
	}
}

// Connections that hang, and a server behind them that is well: the idle ones went
// from probe to probe, each for as long as an attempt may take.
func TestProbesAreMadeOnFreshConnections(t *testing.T) {
	p := newProxy(t)
	db, _ := guarded(t, p.listener.Addr().String(), policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: 50 * time.Millisecond}, policy.Timeout(500*time.Millisecond))
	fill(t, poolOf(t, db, 8), 8)
	p.forget()
	failed := 0
	for range 10 {
		var n int
		if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&n); err != nil {
			failed++
			// real time: a breaker's recovery
			time.Sleep(55 * time.Millisecond)
		}
	}
	if failed > 3 {
		t.Errorf("%d calls failed, of 10 with 8 dead connections", failed)
	}
}

// A server that takes no writes any more is left, and was not: each retry met it on
// the same connection.
func TestAServerThatTakesNoWritesIsLeft(t *testing.T) {
	name, count := table(t)
	db, o := guarded(t, postgres, retries(3), policy.CircuitBreaker{FailureThreshold: 2})
	demote := func() {
		if _, err := db.Exec(t.Context(), "SET default_transaction_read_only = on"); err != nil {
			t.Fatal(err)
		}
	}
	demote()
	if _, err := db.Exec(t.Context(), "INSERT INTO "+name+" VALUES (1)"); err != nil || count() != 1 {
		t.Error(err, count())
	}
	demote()
	insert := func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO "+name+" VALUES (2)")
		return err
	}
	if err := pgx.BeginFunc(t.Context(), db, insert); err == nil {
		t.Error("no error")
	}
	if err := pgx.BeginFunc(t.Context(), db, insert); err != nil || count() != 2 {
		t.Error("the next transaction met it too:", err, count())
	}
	answered := o.Metrics().Answered
	if err := pgx.BeginTxFunc(t.Context(), db, pgx.TxOptions{AccessMode: pgx.ReadOnly}, insert); err == nil {
		t.Error("no error")
	}
	if m := o.Metrics(); m.Answered != answered+1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("%+v", m.Totals)
	}
}

// What a policy refuses took a connection, and left a dead one for fresh.
func TestRefusedCallsTakeNoConnection(t *testing.T) {
	db, _ := guarded(t, postgres, policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour})
	pool := poolOf(t, db, 2)
	if _, err := db.Exec(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())"); err == nil {
		t.Fatal("no error")
	}
	before := pool.Stat().AcquireCount()
	_, _ = db.Exec(t.Context(), "SELECT 1")
	_, _ = db.Begin(t.Context())
	_ = db.QueryRow(t.Context(), "SELECT 1").Scan()
	_ = db.Ping(t.Context())
	if n := pool.Stat().AcquireCount() - before; n != 0 {
		t.Errorf("%d connections were taken", n)
	}
}

// A pool that was tagged as it is came out unguarded but for a line that did not say
// what to do.
func TestAPoolThatIsNotADBIsNotGuardedAndSaysWhatToDo(t *testing.T) {
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"database": policy.CircuitBreaker{}}})
	if err != nil {
		t.Fatal(err)
	}
	err = box.Provide(container.Tag(func() *pgxpool.Pool { return nil }, "database"))
	if err == nil {
		err = box.Invoke(func(*pgxpool.Pool) {})
	}
	if err == nil || !strings.Contains(err.Error(), "container.As[cladpgx.DB]()") {
		t.Errorf("it says: %v", err)
	}
}

func poolOf(t *testing.T, db cladpgx.DB, conns int) *pgxpool.Pool {
	t.Helper()
	pool, ok := db.(interface{ Unwrap() cladpgx.DB }).Unwrap().(*pgxpool.Pool)
	if !ok {
		t.Fatal("no pool")
	}
	if most := int(pool.Config().MaxConns); most < conns {
		t.Fatalf("a pool of %d connections", most)
	}
	return pool
}
