package sqltest_test

import (
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/policy"
)

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
