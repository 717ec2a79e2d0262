package cladredis_test

import (
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// openTogether trips two breakers until a third one has followed.
func openTogether(t testing.TB, all []*guard) {
	t.Helper()
	before := all[2].followed.Load()
	await(t, "that the others follow", func() bool {
		for _, g := range all[:2] {
			g.breaker.Reset()
			g.trip()
		}
		time.Sleep(50 * time.Millisecond) // real time: they are told
		return all[2].followed.Load() > before
	})
}

func awaitSharing(t testing.TB, all []*guard, want bool) {
	t.Helper()
	await(t, "what they know of their sharing", func() bool {
		for _, g := range all {
			if s, _ := g.breaker.Sharing(); s.Listening != want || s.Alone == want {
				return false
			}
		}
		return true
	})
}

// Whatever is wrong with the store, breakers trip, probe and close by themselves, no
// call waits longer than 5ms for it, and when it is over they share their probes again.
func TestBreakersInTroubleWithTheStore(t *testing.T) {
	t.Parallel()
	inTrouble(t, "clad:1:{breakers}:bank", func(t *testing.T, tt trouble, client func() redis.UniversalClient, begin, end func()) {
		spec := policy.CircuitBreaker{RecoveryTimeout: 100 * time.Millisecond, SuccessThreshold: 1}
		all := newGuards(t, 4, func() container.Store { return cladredis.NewStore(client()) }, spec)
		openTogether(t, all)
		begin()
		var slowest time.Duration
		call := func(g *guard, err error) (called bool) {
			start := time.Now()
			called = g.call(err)
			slowest = max(slowest, time.Since(start))
			return called
		}
		fairly(t, "the slowest call, in ms, where 5 are promised and 5 are the machine's", func() (float64, bool) {
			slowest = 0
			for _, g := range all {
				await(t, "its own probe", func() bool { call(g, nil); return g.breaker.State() == policy.StateClosed })
				await(t, "that it trips by itself", func() bool { call(g, errDown); return g.breaker.State() == policy.StateOpen })
				await(t, "its own probe", func() bool { call(g, nil); return g.breaker.State() == policy.StateClosed })
			}
			return slowest.Seconds() * 1000, slowest <= 10*time.Millisecond
		})
		if tt.alone {
			awaitSharing(t, all, false)
		}
		end()
		awaitSharing(t, all, true)
		fairly(t, "probes of the fleet after it", func() (float64, bool) {
			openTogether(t, all)
			n := recoverTogether(t, all)
			return float64(n), n <= 1+len(all)
		})
		t.Logf("the slowest call took %v", slowest)
	})
}

func TestABreakerSurvivesAFailoverBySentinels(t *testing.T) {
	onEngines(t, testABreakerSurvivesAFailoverBySentinels)
}

func testABreakerSurvivesAFailoverBySentinels(t *testing.T, engine string) {
	master := newServerOf(t, engine)
	sentinels := newSentinels(t, master)
	all := newGuards(t, 3, func() container.Store {
		c := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "main", SentinelAddrs: sentinels})
		t.Cleanup(func() { _ = c.Close() })
		return cladredis.NewStore(c)
	}, policy.CircuitBreaker{RecoveryTimeout: 200 * time.Millisecond, SuccessThreshold: 1})
	openTogether(t, all)
	master.kill()
	recoverTogether(t, all)
	awaitSharing(t, all, false)
	for _, g := range all {
		g.trip()
		if g.breaker.State() != policy.StateOpen {
			t.Error("it does not trip by itself")
		}
	}
	recoverTogether(t, all)
	awaitSharing(t, all, true)
	openTogether(t, all)
}

// One that is cut off goes by what it finds itself, and learns what it has missed.
func TestAnInstanceThatIsCutOffCatchesUp(t *testing.T) {
	onEngines(t, testAnInstanceThatIsCutOffCatchesUp)
}

func testAnInstanceThatIsCutOffCatchesUp(t *testing.T, engine string) {
	s := newServerOf(t, engine)
	p := newProxy(t, s.addr)
	spec := policy.CircuitBreaker{RecoveryTimeout: time.Minute}
	all := newGuards(t, 2, func() container.Store { return cladredis.NewStore(s.bare()) }, spec)
	client := redis.NewClient(&redis.Options{Addr: p.addr, DialerRetries: 1})
	t.Cleanup(func() { _ = client.Close() })
	off := newGuards(t, 1, func() container.Store { return cladredis.NewStore(client) }, spec)
	p.setCut(true)
	awaitSharing(t, off, false)
	all[0].trip()
	all[1].trip()
	time.Sleep(100 * time.Millisecond) // real time: it could be told
	if off[0].breaker.State() != policy.StateClosed || !off[0].call(nil) {
		t.Error("it has heard of the others")
	}
	p.setCut(false)
	awaitState(t, off, policy.StateOpen)
	awaitSharing(t, off, true)
}
