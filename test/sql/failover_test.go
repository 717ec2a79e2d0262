package sqltest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladpgx"
	"github.com/cladgo/clad/container/cladsql"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5/pgxpool"
)

// outage is what callers see of one: they ask again and again.
type outage struct {
	stop    atomic.Bool
	callers sync.WaitGroup
	errors  atomic.Int64
	last    atomic.Int64 // when something failed last, in ns since began
	began   time.Time
	first   atomic.Pointer[error]
}

func watchOutage(read func() error, callers int) *outage {
	o := &outage{began: time.Now()}
	for range callers {
		o.callers.Go(func() {
			for !o.stop.Load() {
				if err := read(); err != nil {
					o.errors.Add(1)
					o.last.Store(int64(time.Since(o.began)))
					o.first.CompareAndSwap(nil, &err)
				}
				// real time: a caller who asks a hundred times a second
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	return o
}

func reading(t *testing.T, db *sql.DB) func() error {
	t.Helper()
	ctx := t.Context()
	return func() error { return drain(db.QueryContext(ctx, "SELECT 1")) }
}

// pools returns what reads by way of a pool of pgx, and of one that is guarded.
func pools(t *testing.T, dsn string, layers []policy.Policy) (bare, guarded func() error) {
	t.Helper()
	open := func() *pgxpool.Pool {
		pool, err := pgxpool.New(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		return pool
	}
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"db": policy.Combine(layers...)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(open, "db", container.As[cladpgx.DB]())); err != nil {
		t.Fatal(err)
	}
	reading := func(db cladpgx.DB) func() error {
		return func() error {
			var n int
			return db.QueryRow(t.Context(), "SELECT 1").Scan(&n)
		}
	}
	if err := box.Invoke(func(db cladpgx.DB) { guarded = reading(db) }); err != nil {
		t.Fatal(err)
	}
	return reading(open()), guarded
}

func (o *outage) end() { o.stop.Store(true); o.callers.Wait() }

// A restart was seen for ten times as long: dead connections that calls had taken
// and left, refused, were taken for fresh ones, and one after the other met the
// probes.
func TestRestartIsSurvived(t *testing.T) {
	server := newPostgres(t)
	for try := 3; ; try-- { // a busy machine may disturb a measurement
		missed := restart(t, server)
		if len(missed) == 0 {
			return
		}
		if try == 1 {
			t.Error(strings.Join(missed, "\n"))
			return
		}
	}
}

// restart measures how long callers see a restart, with clad and without, side by
// side, and says where clad prolonged it by more than it may.
func restart(t *testing.T, server *postgres) (missed []string) {
	t.Helper()
	failover := []policy.Policy{
		policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(10 * time.Millisecond)},
		policy.CircuitBreaker{},
		policy.Timeout(time.Second),
	}
	type seen struct{ bare, guarded *outage }
	all := map[string]seen{}
	maria := connect(t, products[3])
	before := maria.proxied(t)
	for _, name := range []string{"pgx", "postgres", "mysql"} {
		c := maria.connector
		if name != "mysql" {
			var err error
			if c, err = cladsql.NewConnector(name, server.dsn()); err != nil {
				t.Fatal(err)
			}
		}
		r, err := newOrchestrator(t).For("db", policy.Combine(failover...))
		if err != nil {
			t.Fatal(err)
		}
		bare, guarded := sql.OpenDB(c), sql.OpenDB(cladsql.Wrap(c, r))
		for _, db := range []*sql.DB{bare, guarded} {
			t.Cleanup(func() { _ = db.Close() })
			fill(t, db, 16)
			fill(t, db, 16) // used again: now pgx trusts them for a second
		}
		all[name] = seen{watchOutage(reading(t, bare), 4), watchOutage(reading(t, guarded), 4)}
	}
	bare, guarded := pools(t, server.dsn(), failover)
	all["pgxpool"] = seen{watchOutage(bare, 4), watchOutage(guarded, 4)}
	// real time: a server that restarts takes its time
	time.Sleep(100 * time.Millisecond)
	start := time.Now()
	before.down()
	server.stop(t)
	// real time: the same
	time.Sleep(1500*time.Millisecond - time.Since(start))
	before.up(t)
	server.start(t)
	back := time.Since(start)
	// real time: what is measured
	time.Sleep(2500 * time.Millisecond)
	for name, s := range all {
		s.bare.end()
		s.guarded.end()
		since := func(o *outage) time.Duration { return time.Duration(o.last.Load()) - start.Sub(o.began) }
		bare, guarded := since(s.bare), since(s.guarded)
		t.Logf("%s: back after %v; bare %v, %d errors; guarded %v, %d errors (%v)", name, back, bare, s.bare.errors.Load(), guarded, s.guarded.errors.Load(), *s.guarded.first.Load())
		if guarded > bare*13/10+500*time.Millisecond {
			missed = append(missed, fmt.Sprintf("%s: seen for %v, without clad for %v", name, guarded, bare))
		}
	}
	return missed
}

// fill has a database keep n idle connections.
func fill(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	db.SetMaxIdleConns(n)
	var held []*sql.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	for range n {
		eventually(t, "a connection", func() bool { // under whatever timeout
			c, err := db.Conn(t.Context())
			if err != nil {
				return false
			}
			held = append(held, c)
			return c.PingContext(t.Context()) == nil
		})
	}
}

// Sixteen idle connections were ended by a healthy server: each was a failure, and
// each that a probe met later opened the breaker again.
func TestConnectionsThatEndTogetherAreOneEvent(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		if d.kill == "" {
			t.Skip("there are no connections to be closed")
		}
		for _, idle := range []time.Duration{0, 1100 * time.Millisecond} {
			d.renew(t)
			db := d.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 2})
			fill(t, db, 16)
			for _, id := range d.idle(t, db, 16) { // used again: now pgx trusts them for a second
				d.killed(t, id)
			}
			// real time: drivers look after connections that were idle for a second
			time.Sleep(idle)
			var callers sync.WaitGroup
			for range 16 {
				callers.Go(func() {
					if err := drain(db.QueryContext(t.Context(), "SELECT 1")); err != nil {
						t.Errorf("idle for %v: %v", idle, err)
					}
				})
			}
			callers.Wait()
			if m := d.metrics(); m.CircuitBreakerTrips != 0 {
				t.Errorf("idle for %v: counted %+v", idle, m)
			}
		}
	})
}

// idle returns the ids of n connections of a database, which are idle again.
func (d *database) idle(t *testing.T, db *sql.DB, n int) (ids []int) {
	t.Helper()
	for range n {
		c, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		ids = append(ids, d.id(t, c))
	}
	return ids
}

// Behind the same address is another server, and connections that nobody cut: the
// idle ones went from probe to probe, each for as long as an attempt may take.
func TestProbesAreMadeOnFreshConnections(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		db := d.guarded(t, policy.CircuitBreaker{FailureThreshold: 3, RecoveryTimeout: 50 * time.Millisecond}, policy.Timeout(100*time.Millisecond))
		fill(t, db, 8)
		x.hang()
		failed := 0
		for range 10 {
			if err := drain(db.QueryContext(t.Context(), "SELECT 1")); err != nil {
				failed++
				// real time: a breaker's recovery
				time.Sleep(55 * time.Millisecond)
			}
		}
		if failed > 3 {
			t.Errorf("%d calls failed, of 10 with 8 dead connections", failed)
		}
	})
}

// Rows that stall were a success; now their query has timed out.
func TestRowsThatStallAreATimeout(t *testing.T) {
	each(t, func(t *testing.T, d *database) {
		x := d.proxied(t)
		db := d.guarded(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(300*time.Millisecond))
		rows, err := db.QueryContext(t.Context(), d.many)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		n := 0
		for rows.Next() {
			if n++; n == 10 {
				x.hang()
			}
		}
		if err := rows.Err(); !errors.Is(err, policy.ErrTimeout) || n < 10 {
			t.Errorf("after %d rows: %v", n, err)
		}
		if m := d.metrics(); m.TimeoutCount != 1 || m.CircuitBreakerTrips != 1 || m.RetryAttempts != 0 {
			t.Errorf("counted %+v", m)
		}
	})
}
