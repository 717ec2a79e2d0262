package cladpgx_test

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladpgx"
	"github.com/cladgo/clad/policy"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A pool that lost a connection looks after the others half a second later.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/jackc/pgx/v5/pgxpool.(*Pool).triggerHealthCheck.func1"))
}

const postgres = "127.0.0.1:5432"

// proxy stands between the pool and PostgreSQL, and can cut what is under way, or
// hold back what the server says.
type proxy struct {
	listener net.Listener
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  []net.Conn
	silent bool
	hung   map[net.Conn]bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, hung: make(map[net.Conn]bool)}
	p.wg.Go(p.serve)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", postgres)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		p.wg.Go(func() {
			_, _ = io.Copy(server, client)
			_ = server.Close()
		})
		p.wg.Go(func() {
			_, _ = io.Copy(quietable{p, client}, server)
			_ = client.Close()
		})
	}
}

// quietable loses what is written to it while its proxy is silent.
type quietable struct {
	p *proxy
	net.Conn
}

func (q quietable) Write(b []byte) (int, error) {
	q.p.mu.Lock()
	silent := q.p.silent || q.p.hung[q.Conn]
	q.p.mu.Unlock()
	if silent {
		return len(b), nil
	}
	return q.Conn.Write(b)
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// forget has the connections that there are hang for good; later ones work.
func (p *proxy) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		p.hung[c] = true
	}
}

func (p *proxy) hush(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = silent
}

// loseNextAnswer has the server's next words lost, and the connection with them.
func (p *proxy) loseNextAnswer() {
	p.hush(true)
	time.AfterFunc(100*time.Millisecond, func() { p.hush(false); p.cut() })
}

func need(t *testing.T) {
	t.Helper()
	c, err := net.DialTimeout("tcp", postgres, time.Second)
	if err == nil {
		_ = c.Close()
		return
	}
	if os.Getenv("CLAD_REQUIRE_SERVICES") != "" {
		t.Fatalf("these tests want PostgreSQL: %v", err)
	}
	t.Skipf("no PostgreSQL: %v", err)
}

func newPool(t *testing.T, addr string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig("postgres://postgres@" + addr + "/test?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// guarded has a pool come out of a container as a DB, under a policy.
func guarded(t *testing.T, addr string, layers ...policy.Policy) (cladpgx.DB, *container.Orchestrator) {
	t.Helper()
	need(t)
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"database": policy.Combine(layers...)}})
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, addr)
	if err := box.Provide(container.Tag(func() *pgxpool.Pool { return pool }, "database", container.As[cladpgx.DB]())); err != nil {
		t.Fatal(err)
	}
	var db cladpgx.DB
	if err := box.Invoke(func(d cladpgx.DB) { db = d }); err != nil {
		t.Fatal(err)
	}
	return db, box.Orchestrator()
}

func retries(n int) policy.Retry {
	return policy.Retry{MaxAttempts: n, Backoff: policy.Fixed(time.Millisecond)}
}
