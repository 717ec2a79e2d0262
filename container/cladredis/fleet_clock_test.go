package cladredis_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladredis"
	"github.com/cladgo/clad/policy"
	"github.com/redis/go-redis/v9"
)

// newServerWithAClock is a server whose clock set sets, in seconds off this machine's:
// what happens when a replica takes over whose clock differs.
func newServerWithAClock(t *testing.T, engine string) (s *server, set func(seconds int)) {
	t.Helper()
	dir := t.TempDir()
	shim, clock := filepath.Join(dir, "clock.so"), filepath.Join(dir, "clock")
	if out, err := exec.Command("cc", "-shared", "-fPIC", "-o", shim, "testdata/clock.c").CombinedOutput(); err != nil {
		if os.Getenv("CLAD_REQUIRE_SERVICES") == "1" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("it needs a C compiler: %v: %s", err, out)
	}
	set = func(seconds int) {
		f, err := os.OpenFile(clock, os.O_WRONLY|os.O_CREATE, 0o600) // the server has it open: it is not truncated
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		if _, err := f.WriteAt(fmt.Append(nil, seconds, "         "), 0); err != nil {
			t.Fatal(err)
		}
	}
	set(0)
	s = newServerIn(t, engine, []string{"LD_PRELOAD=" + shim, "TEST_CLOCK=" + clock})
	set(1000)
	if now, err := s.bare().Time(background).Result(); err != nil || time.Until(now).Round(time.Minute) != 17*time.Minute {
		t.Fatalf("its clock is not set: %v, %v", now, err)
	}
	set(0)
	return s, set
}

// An opening's end is a time of the store's clock: where that was set back by an hour,
// the fleet was to stay open for an hour more.
func TestBreakersWhileTheStoresClockIsSet(t *testing.T) {
	onEngines(t, testBreakersWhileTheStoresClockIsSet)
}

func testBreakersWhileTheStoresClockIsSet(t *testing.T, engine string) {
	s, set := newServerWithAClock(t, engine)
	spec := policy.CircuitBreaker{RecoveryTimeout: time.Second}
	for _, tt := range []struct {
		seconds int
		lost    bool // the store forgets: each instance probes by itself
	}{{-3600, false}, {-5, false}, {5, false}, {3600, true}, {-2 * 86400, true}} {
		fairly(t, fmt.Sprintf("%ds: the probes of the fleet", tt.seconds), func() (float64, bool) {
			set(0)
			if err := s.bare().FlushAll(background).Err(); err != nil {
				t.Fatal(err)
			}
			all := newGuards(t, 6, func() container.Store { return cladredis.NewStore(s.bare()) }, spec)
			defer closeAll(all)
			all[0].trip()
			all[1].trip()
			awaitState(t, all, policy.StateOpen)
			set(tt.seconds)
			began := time.Now()
			n := recoverTogether(t, all)
			if took := time.Since(began); took > 4*time.Second {
				t.Errorf("%ds: open for %v", tt.seconds, took)
			}
			if tt.seconds > -86400 { // else it is heard again after a while only
				await(t, fmt.Sprintf("%ds: the next opening", tt.seconds), func() bool {
					before := all[4].followed.Load()
					all[2].breaker.Reset()
					all[3].breaker.Reset()
					all[2].trip()
					all[3].trip()
					time.Sleep(200 * time.Millisecond) // real time: the others are told
					return all[4].followed.Load() > before
				})
			}
			return float64(n), tt.lost || n <= policy.DefaultSuccessThreshold+len(all)
		})
	}
}

// A clock that is set back gives no tokens for the time that comes twice, and one that
// is set forward a burst at most.
func TestALimitWhileTheStoresClockIsSet(t *testing.T) {
	onEngines(t, testALimitWhileTheStoresClockIsSet)
}

func testALimitWhileTheStoresClockIsSet(t *testing.T, engine string) {
	s, set := newServerWithAClock(t, engine)
	f := newFleetOf(t, 3, 300, 75, func() redis.UniversalClient { return s.bare() })
	f.loadFor(500 * time.Millisecond)
	for _, seconds := range []int{-3600, 0, 3600, -2 * 86400} {
		set(seconds)
		f.loadFor(500 * time.Millisecond)
		if n := f.alone(); n > 0 {
			t.Errorf("%d instances are alone at %ds", n, seconds)
		}
	}
	f.check(2 * 75) // it was set forward twice
}

// An instance whose clock is days behind the store's cannot tell what is numbered by
// that: its breakers go by themselves, and say so. Limits do not look at the date.
func TestAStoreWhoseClockIsDaysAhead(t *testing.T) { onEngines(t, testAStoreWhoseClockIsDaysAhead) }

func testAStoreWhoseClockIsDaysAhead(t *testing.T, engine string) {
	s, set := newServerWithAClock(t, engine)
	spec := policy.CircuitBreaker{RecoveryTimeout: 100 * time.Millisecond, SuccessThreshold: 1}
	all := newGuards(t, 3, func() container.Store { return cladredis.NewStore(s.bare()) }, spec)
	set(2 * 86400)
	all[0].trip()
	all[1].trip()
	await(t, "that one of them is alone", func() bool { // the one whose trip was numbered
		a, _ := all[0].breaker.Sharing()
		b, _ := all[1].breaker.Sharing()
		return a.Alone || b.Alone
	})
	if got := all[2].breaker.State(); got != policy.StateClosed {
		t.Errorf("%v by a number that it can't tell", got)
	}
	recoverTogether(t, all)
	f := newFleetOf(t, 3, 300, 75, func() redis.UniversalClient { return s.bare() })
	f.loadFor(500 * time.Millisecond)
	if n := f.alone(); n > 0 {
		t.Errorf("%d limits are alone", n)
	}
	f.check(0)
	set(0)
	awaitSharing(t, all, true)
}
