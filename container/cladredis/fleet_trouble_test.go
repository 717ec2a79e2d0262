package cladredis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// Whatever is wrong with the store, no call fails because of it, calls are not held
// up, the limit holds, and everything is shared again when it is over.
func TestTroubleWithTheStore(t *testing.T) {
	t.Parallel()
	const instances, rate, burst = 3, 300, 75
	inTrouble(t, "clad:1:limit:{api}", func(t *testing.T, tt trouble, client func() redis.UniversalClient, begin, end func()) {
		f := newFleetOf(t, instances, rate, burst, client)
		f.loadFor(700 * time.Millisecond)
		begin()
		f.loadFor(1200 * time.Millisecond)
		alone := f.alone()
		f.loadFor(300 * time.Millisecond)
		end()
		await(t, "what is shared", func() bool { f.loadFor(20 * time.Millisecond); return f.alone() == 0 })
		f.loadFor(500 * time.Millisecond)
		if tt.alone && alone == 0 {
			t.Error("no instance knew that it was alone")
		}
		more := 2.0 * burst
		if tt.misdirects {
			more += rate
		}
		f.check(more)
	})
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

func TestALimitIsSharedByACluster(t *testing.T) { onEngines(t, testALimitIsSharedByACluster) }

func testALimitIsSharedByACluster(t *testing.T, engine string) {
	c := newClusterOf(t, engine)
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

func TestABreakerIsSharedByACluster(t *testing.T) { onEngines(t, testABreakerIsSharedByACluster) }

func testABreakerIsSharedByACluster(t *testing.T, engine string) {
	c := newClusterOf(t, engine)
	all := newGuards(t, 3, func() container.Store { return cladredis.NewStore(c.bare()) }, policy.CircuitBreaker{RecoveryTimeout: time.Minute})
	all[0].trip()
	all[1].trip()
	awaitState(t, all, policy.StateOpen)
}

func TestALimitSurvivesAFailoverBySentinels(t *testing.T) {
	onEngines(t, testALimitSurvivesAFailoverBySentinels)
}

func testALimitSurvivesAFailoverBySentinels(t *testing.T, engine string) {
	master := newServerOf(t, engine)
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

// Ten thousand limits cost what is used of them: no goroutine, no connection each.
func TestTenThousandLimits(t *testing.T) { onEngines(t, testTenThousandLimits) }

func testTenThousandLimits(t *testing.T, engine string) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 10_000
	s := newServerOf(t, engine)
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
