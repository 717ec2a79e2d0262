package adaptive_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/internal/adaptive"
	"github.com/cladgo/clad/internal/clock"
)

func newLimit(s adaptive.Settings) *adaptive.Limit {
	l := &adaptive.Limit{}
	l.Configure(s)
	return l
}

var usual = adaptive.Settings{Initial: 20, Min: 1, Max: 1000}

const work = 50 * time.Millisecond

// between returns the seconds from one time to another.
func between(all []second, from, to time.Duration) []second {
	return all[from/time.Second : to/time.Second]
}

// mean is that of a figure of each second.
func mean(all []second, figure func(second) float64) float64 {
	sum := 0.0
	for _, s := range all {
		sum += figure(s)
	}
	return sum / float64(len(all))
}

func limitOf(s second) float64   { return s.limit }
func servedOf(s second) float64  { return float64(s.served) }
func latencyOf(s second) float64 { return s.latency.Seconds() * 1000 }

// want fails unless a figure is within bounds.
func want(t *testing.T, what string, got, least, most float64) {
	t.Helper()
	if !(got >= least && got <= most) {
		t.Errorf("%s: %.1f, want %v to %v", what, got, least, most)
	}
}

// eachSeed runs a test of several histories of the same kind.
func eachSeed(t *testing.T, test func(t *testing.T, seed uint64)) {
	if raceEnabled {
		t.Skip("a simulation has one goroutine, and takes a minute under the race detector")
	}
	for seed := range uint64(3) {
		test(t, seed+1)
	}
}

func TestTheLimitFindsWhatTheServerTakes(t *testing.T) {
	for _, workers := range []int{2, 10, 20, 60} {
		eachSeed(t, func(t *testing.T, seed uint64) {
			capacity := float64(workers) / work.Seconds()
			all := simulate(newLimit(usual), seed, []phase{{2 * time.Minute, workers, work, 1.5 * capacity}})
			late := between(all, time.Minute, 2*time.Minute)
			want(t, "served, of the capacity", mean(late, servedOf)/capacity, 0.8, 1.1)
			want(t, "latency, where 35ms is that without a queue", mean(late, latencyOf), 20, 200)
		})
	}
}

// A server that has lost most of its workers is met by as many calls as it takes,
// and gets more as soon as it can.
func TestTheLimitFollowsTheCapacity(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		all := simulate(newLimit(usual), seed, step)
		want(t, "latency with few workers", mean(between(all, 80*time.Second, 2*time.Minute), latencyOf), 20, 200)
		want(t, "limit with few workers", mean(between(all, 100*time.Second, 2*time.Minute), limitOf), 4, 20)
		want(t, "served with few workers", mean(between(all, 80*time.Second, 2*time.Minute), servedOf), 80, 105)
		want(t, "served when they are back", mean(between(all, 130*time.Second, 3*time.Minute), servedOf), 340, 420)
	})
}

// Calls that were much too quick once (a cache that knew it all, refusals) lowered
// the limit for ever: they are what all others were measured by.
func TestTheLimitRecoversFromCallsThatWereTooQuick(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		all := simulate(newLimit(usual), seed, []phase{
			{30 * time.Second, 20, work, 500},
			{10 * time.Second, 1000, time.Millisecond, 20_000},
			{2 * time.Minute, 20, work, 500},
		})
		want(t, "served since", mean(between(all, 100*time.Second, 160*time.Second), servedOf), 320, 420)
	})
}

// A long overload became what is normal: the limit rose with the times.
func TestALongOverloadDoesNotBecomeNormal(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		all := simulate(newLimit(usual), seed, []phase{{10 * time.Minute, 5, work, 400}})
		want(t, "latency of the last minutes", mean(between(all, 5*time.Minute, 10*time.Minute), latencyOf), 20, 150)
		want(t, "limit of the last minutes", mean(between(all, 5*time.Minute, 10*time.Minute), limitOf), 4, 20)
	})
}

// A server that has come to need more time for each call is no overloaded one.
func TestASlowerServerBecomesNormal(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		all := simulate(newLimit(usual), seed, []phase{
			{time.Minute, 20, work, 500},
			{4 * time.Minute, 20, 4 * work, 125},
		})
		want(t, "served of 100", mean(between(all, 3*time.Minute, 5*time.Minute), servedOf), 75, 105)
	})
}

// A limit that nobody needs does not grow: it would be of no use when somebody does.
func TestTheLimitDoesNotDriftWhereItIsNotReached(t *testing.T) {
	eachSeed(t, func(t *testing.T, seed uint64) {
		all := simulate(newLimit(usual), seed, []phase{{20 * time.Minute, 20, work, 40}})
		for _, s := range all {
			if s.limit > 20 || s.limit < 5 {
				t.Fatalf("after %v the limit is %v", s.at, s.limit)
			}
		}
	})
}

// Failures that come at once made the limit grow, or calls that succeed look slow.
func TestQuickFailuresSayNothing(t *testing.T) {
	var limits [2]int
	for i := range limits {
		l := newLimit(usual)
		now := clock.Now()
		for range 20_000 {
			now = now.Add(time.Millisecond)
			if i == 1 {
				l.Observe(now, now, l.Now(), true)
			}
			l.Observe(now.Add(-20*time.Millisecond), now, l.Now(), false)
		}
		limits[i] = l.Now()
	}
	if limits[0] != limits[1] || limits[0] < 100 {
		t.Errorf("the limit is %d without failures, and %d with", limits[0], limits[1])
	}
}

// Whatever calls take, the first of them and later ones, no step is larger than it
// may be.
func TestTheLimitNeverJumps(t *testing.T) {
	for name, took := range map[string]func(n int) time.Duration{
		"quick at first": func(n int) time.Duration { return time.Duration(1+n) * time.Microsecond },
		"slow at first":  func(n int) time.Duration { return time.Second / time.Duration(1+n) },
		"wild": func(n int) time.Duration {
			return time.Duration(1+(n*7919)%1000) * time.Duration(1+(n/300)%2*999) * time.Microsecond
		},
	} {
		l := newLimit(usual)
		now, was, highest := clock.Now(), l.Now(), 0
		for n := range 20_000 {
			now = now.Add(5 * time.Millisecond)
			limit := l.Observe(now.Add(-min(took(n), 4*time.Millisecond)), now, was, n%5 == 0)
			if limit < 1 || limit > 1000 {
				t.Fatalf("%s: the limit is %d", name, limit)
			}
			if grown := float64(limit - max(was, highest)); grown > math.Sqrt(float64(limit))+1 {
				t.Fatalf("%s: from %d to %d in a step", name, was, limit)
			}
			highest = max(highest, limit)
			was = limit
		}
	}
}

func TestTheLimitStaysWithinItsBounds(t *testing.T) {
	for _, s := range []adaptive.Settings{{Initial: 5, Min: 5, Max: 5}, {Initial: 10, Min: 8, Max: 12}, {Initial: 1, Min: 1, Max: 2}} {
		for _, workers := range []int{1, 1000} {
			all := simulate(newLimit(s), 1, []phase{{time.Minute, workers, work, 1000}})
			for _, second := range all {
				if second.limit < float64(s.Min) || second.limit > float64(s.Max) {
					t.Fatalf("%+v: the limit is %v", s, second.limit)
				}
			}
		}
	}
}

// Other bounds leave the limit what it has come to be.
func TestOtherBoundsKeepTheLimit(t *testing.T) {
	l := newLimit(usual)
	simulate(l, 1, []phase{{time.Minute, 100, work, 3000}})
	was := l.Now()
	if was < 40 {
		t.Fatalf("the limit is %d", was)
	}
	for _, tt := range []struct {
		s    adaptive.Settings
		want int
	}{
		{adaptive.Settings{Initial: 3, Min: 2, Max: 500}, was},
		{adaptive.Settings{Initial: 3, Min: 2, Max: 30}, 30},
		{adaptive.Settings{Initial: 70, Min: 60, Max: 90}, 60},
	} {
		if l.Configure(tt.s); l.Now() != tt.want {
			t.Errorf("%+v: the limit is %d, want %d", tt.s, l.Now(), tt.want)
		}
	}
}

func TestObservingFromManyGoroutines(t *testing.T) {
	l := newLimit(usual)
	start := clock.Now()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 2000 {
				now := start.Add(time.Duration(n+1) * time.Millisecond)
				if limit := l.Observe(now.Add(-time.Millisecond), now, g, false); limit < 1 || limit > 1000 {
					t.Errorf("the limit is %d", limit)
				}
			}
		})
	}
	wg.Wait()
}
