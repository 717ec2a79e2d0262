package cladredis_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// proxy stands between clients and a server, and does harm.
type proxy struct {
	addr    string
	delay   atomic.Int64 // of each piece
	corrupt atomic.Bool  // one byte in each piece
	mu      sync.Mutex
	cut     bool // all connections, and those to come
	open    map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), open: make(map[net.Conn]bool)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil || !p.add(in, out) {
				_ = in.Close()
				continue
			}
			wg.Go(func() { p.copy(in, out) })
			wg.Go(func() { p.copy(out, in) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.setCut(true)
		wg.Wait()
	})
	return p
}

func (p *proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		if p.cut {
			_ = c.Close()
		} else {
			p.open[c] = true
		}
	}
	return !p.cut
}

func (p *proxy) setCut(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	for c := range p.open {
		if cut {
			_ = c.Close()
			delete(p.open, c)
		}
	}
}

func (p *proxy) copy(to io.WriteCloser, from io.ReadCloser) {
	defer func() { _, _ = to.Close(), from.Close() }()
	piece := make([]byte, 4096)
	for n := 0; ; n++ {
		read, err := from.Read(piece)
		if err != nil {
			return
		}
		time.Sleep(time.Duration(p.delay.Load())) // real time: it is a slow network
		if p.corrupt.Load() {
			piece[n%read] ^= 1 << (n % 8)
		}
		if _, err := to.Write(piece[:read]); err != nil {
			return
		}
	}
}

// Whatever is wrong with the store, no call fails because of it, calls are not held
// up, the limit holds, and everything is shared again when it is over.
func TestTroubleWithTheStore(t *testing.T) {
	t.Parallel()
	const instances, rate, burst = 3, 300, 75
	do := func(t *testing.T, s *server, args ...any) {
		t.Helper()
		if err := s.bare().Do(background, args...).Err(); err != nil {
			t.Error(args, err)
		}
	}
	for name, tt := range map[string]struct {
		begin, end func(t *testing.T, s *server, p *proxy)
		alone      bool // for certain
		more       float64
	}{
		"its connections are cut": {
			begin: func(_ *testing.T, _ *server, p *proxy) { p.setCut(true) },
			end:   func(_ *testing.T, _ *server, p *proxy) { p.setCut(false) },
			alone: true,
		},
		"it is slow": {
			begin: func(_ *testing.T, _ *server, p *proxy) { p.delay.Store(int64(20 * time.Millisecond)) },
			end:   func(_ *testing.T, _ *server, p *proxy) { p.delay.Store(0) },
		},
		"it hangs": {
			begin: func(_ *testing.T, s *server, _ *proxy) { s.freeze() },
			end:   func(_ *testing.T, s *server, _ *proxy) { s.thaw() },
			alone: true,
		},
		"what it says is corrupted": {
			begin: func(_ *testing.T, _ *server, p *proxy) { p.corrupt.Store(true) },
			end:   func(_ *testing.T, _ *server, p *proxy) { p.corrupt.Store(false) },
			more:  rate, // a request that arrives may be for another limit
		},
		"the key is of another type": {
			begin: func(t *testing.T, s *server, _ *proxy) {
				do(t, s, "del", "clad:1:limit:{api}")
				do(t, s, "lpush", "clad:1:limit:{api}", "x")
			},
			end:   func(t *testing.T, s *server, _ *proxy) { do(t, s, "del", "clad:1:limit:{api}") },
			alone: true,
		},
		"it is out of memory": {
			begin: func(t *testing.T, s *server, _ *proxy) { do(t, s, "config", "set", "maxmemory", "1") },
			end:   func(t *testing.T, s *server, _ *proxy) { do(t, s, "config", "set", "maxmemory", "0") },
			alone: true,
		},
		"it is read-only": {
			begin: func(t *testing.T, s *server, _ *proxy) { do(t, s, "replicaof", "127.0.0.1", "1") },
			end:   func(t *testing.T, s *server, _ *proxy) { do(t, s, "replicaof", "no", "one") },
			alone: true,
		},
		"it forgets scripts": {
			begin: func(t *testing.T, s *server, _ *proxy) { do(t, s, "script", "flush") },
			end:   func(t *testing.T, s *server, _ *proxy) { do(t, s, "script", "flush") },
		},
		"it is restarted without its data": {
			begin: func(_ *testing.T, s *server, _ *proxy) { s.kill() },
			end:   func(_ *testing.T, s *server, _ *proxy) { s.start() },
			alone: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			p := newProxy(t, s.addr)
			f := newFleetOf(t, instances, rate, burst, func() redis.UniversalClient {
				c := redis.NewClient(&redis.Options{Addr: p.addr, DialerRetries: 1})
				t.Cleanup(func() { _ = c.Close() })
				return c
			})
			f.loadFor(700 * time.Millisecond)
			tt.begin(t, s, p)
			f.loadFor(1200 * time.Millisecond)
			alone := f.alone()
			f.loadFor(300 * time.Millisecond)
			tt.end(t, s, p)
			await(t, "what is shared", func() bool { f.loadFor(20 * time.Millisecond); return f.alone() == 0 })
			f.loadFor(500 * time.Millisecond)
			if tt.alone && alone == 0 {
				t.Error("no instance knew that it was alone")
			}
			f.check(2*burst + tt.more)
		})
	}
}

// fleetOf is instances under one limit in this process.
type fleetOf struct {
	t             *testing.T
	rate, burst   float64
	limited       []*limited
	began         time.Time
	calls, passed int
	slowest       time.Duration
}

func newFleetOf(t *testing.T, n int, rate float64, burst int, client func() redis.UniversalClient) *fleetOf {
	t.Helper()
	f := &fleetOf{t: t, rate: rate, burst: float64(burst), began: time.Now()}
	for range n {
		f.limited = append(f.limited, newLimited(t, cladredis.NewStore(client()), rate, burst, container.WithFleet(n)))
	}
	return f
}

func (f *fleetOf) loadFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, l := range f.limited {
			before := time.Now()
			f.calls++
			if l.call() {
				f.passed++
			}
			f.slowest = max(f.slowest, time.Since(before))
		}
		time.Sleep(2 * time.Millisecond) // real time: a load that leaves the machine to others too
	}
}

func (f *fleetOf) alone() (n int) {
	for _, l := range f.limited {
		if s, _ := l.limiter.Sharing(); s.Alone {
			n++
		}
	}
	return n
}

// check checks what has passed since the beginning against the limit and a bound.
func (f *fleetOf) check(more float64) {
	f.t.Helper()
	took := time.Since(f.began).Seconds()
	if most := f.rate*took + f.burst + more; float64(f.passed) > most {
		f.t.Errorf("%d of %d calls passed in %vs, of at most %v", f.passed, f.calls, took, most)
	}
	if least := f.rate * took / 4; float64(f.passed) < least {
		f.t.Errorf("%d of %d calls passed in %vs, of at least %v", f.passed, f.calls, took, least)
	}
	f.t.Logf("%d of %d calls passed, %.0f%% of rate × time + burst; the slowest took %v",
		f.passed, f.calls, 100*float64(f.passed)/(f.rate*took+f.burst), f.slowest)
}

func TestALimitIsSharedByACluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	f := newFleetOf(t, 3, 300, 75, func() redis.UniversalClient { return c.bare() })
	f.loadFor(time.Second)
	if n := f.alone(); n > 0 {
		t.Errorf("%d instances are alone", n)
	}
	for _, s := range c.servers { // whichever has the key
		s.kill()
	}
	f.loadFor(time.Second)
	if n := f.alone(); n != 3 {
		t.Errorf("%d of 3 instances are alone with the cluster gone", n)
	}
	for _, s := range c.servers {
		s.start()
	}
	await(t, "the cluster", func() bool { f.loadFor(20 * time.Millisecond); return f.alone() == 0 })
	f.check(150)
}

func TestABreakerIsSharedByACluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	all := newGuards(t, 3, func() container.Store { return cladredis.NewStore(c.bare()) }, policy.CircuitBreaker{RecoveryTimeout: time.Minute})
	all[0].trip()
	all[1].trip()
	awaitState(t, all, policy.StateOpen)
}

func TestALimitSurvivesAFailoverBySentinels(t *testing.T) {
	t.Parallel()
	master := newServer(t)
	sentinels := newSentinels(t, master)
	f := newFleetOf(t, 3, 300, 75, func() redis.UniversalClient {
		c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: sentinels})
		t.Cleanup(func() { _ = c.Close() })
		return c
	})
	f.loadFor(time.Second)
	master.kill()
	f.loadFor(time.Second)
	if n := f.alone(); n != 3 {
		t.Errorf("%d of 3 instances are alone with the master gone", n)
	}
	await(t, "the replica in its place", func() bool { f.loadFor(50 * time.Millisecond); return f.alone() == 0 })
	f.loadFor(300 * time.Millisecond)
	f.check(150)
}

// Breakers go on by themselves while the store is away.
func TestBreakersGoOnWithoutTheStore(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	spec := policy.CircuitBreaker{RecoveryTimeout: 300 * time.Millisecond, SuccessThreshold: 1}
	all := newGuards(t, 2, func() container.Store { return cladredis.NewStore(s.bare()) }, spec)
	all[0].trip()
	all[1].trip()
	awaitState(t, all, policy.StateOpen)
	s.kill()
	for _, g := range all {
		await(t, "its own probe", func() bool { g.call(nil); return g.breaker.State() == policy.StateClosed })
		g.trip()
		if g.breaker.State() != policy.StateOpen {
			t.Error("it does not trip by itself")
		}
		await(t, "that it knows", func() bool { s, _ := g.breaker.Sharing(); return s.Alone })
	}
	s.start()
	for _, g := range all {
		await(t, "its own probe", func() bool { g.call(nil); return g.breaker.State() == policy.StateClosed })
	}
	await(t, "what is shared", func() bool {
		all[0].trip()
		all[1].trip()
		s0, _ := all[0].breaker.Sharing()
		s1, _ := all[1].breaker.Sharing()
		if s0.Alone || s1.Alone || s1.Instances != 2 {
			all[0].breaker.Reset()
			all[1].breaker.Reset()
			return false
		}
		return true
	})
}

// Ten thousand limits cost what is used of them: no goroutine, no connection each.
func TestTenThousandLimits(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 10_000
	s := newServer(t)
	c := policy.Catalog{RateLimiters: map[string]policy.RateLimit{}, Policies: map[string]policy.Policy{}}
	for i := range n {
		name := fmt.Sprint("limit", i)
		c.RateLimiters[name] = policy.RateLimit{RequestsPerSecond: 10, Burst: 10, Shared: true}
		c.Policies[name] = policy.RateLimit{Name: name}
	}
	o, err := container.NewOrchestrator(c, container.WithStore(cladredis.NewStore(s.bare())))
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	passed := 0
	for range 2 {
		for i := range n {
			run, err := o.Pipeline(fmt.Sprint("limit", i))
			if err != nil {
				t.Fatal(err)
			}
			switch err := run.Run(background, func(context.Context) error { return nil }); {
			case err == nil:
				passed++
			case !errors.Is(err, policy.ErrRateLimited):
				t.Error(err)
			}
		}
	}
	if passed != 2*n {
		t.Errorf("%d of %d calls passed, where each limit has room for ten", passed, 2*n)
	}
	if keys, _ := s.bare().DBSize(background).Result(); keys < n*9/10 {
		t.Errorf("%d keys", keys)
	}
}
