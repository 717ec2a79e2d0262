package bucket_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
)

// taken is when tokens were taken. No stretch of a period may hold more of them than
// the limit: none that begins with any of them does.
type taken []clock.Nanos

func (t taken) check(tb testing.TB, s bucket.Settings) {
	tb.Helper()
	slices.Sort(t)
	for i := range t {
		if next := i + s.PerPeriod; next < len(t) && t[next].Sub(t[i]) < s.Period {
			tb.Fatalf("%d tokens within %v, from number %d on; the limit is %d in %v", s.PerPeriod+1, t[next].Sub(t[i]), i, s.PerPeriod, s.Period)
		}
	}
}

// recent is how many were taken in the last period.
func (t taken) recent(now clock.Nanos, period time.Duration) (n int) {
	for _, at := range t {
		if now.Sub(at) < period {
			n++
		}
	}
	return n
}

// Whatever comes when, a token is there exactly if fewer than the limit were taken
// in the last period.
func TestPeriodsEqualBruteForce(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 11))
		s := bucket.Settings{PerPeriod: 1 + r.IntN(1+r.IntN(60)), Period: time.Duration(1+r.IntN(1000)) * time.Millisecond}
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(s)
			var all taken
			for step := range 300 {
				time.Sleep(time.Duration(r.ExpFloat64() * 2 * float64(s.Period) / float64(s.PerPeriod)))
				for range r.IntN(1 + s.PerPeriod) {
					now := clock.Now()
					free := s.PerPeriod - all.recent(now, s.Period)
					if got := b.Tokens(); got != float64(free) {
						t.Fatalf("seed %d, step %d: %v tokens, want %d", seed, step, got, free)
					}
					ok := take(b)
					if ok != (free > 0) {
						t.Fatalf("seed %d, step %d: taken: %v, of %d", seed, step, ok, free)
					}
					if !ok {
						// It comes when it is said to come, and not a moment before.
						_, wait := refused(b)
						time.Sleep(wait - 1)
						if take(b) {
							t.Fatalf("seed %d, step %d: taken before its time", seed, step)
						}
						time.Sleep(1 * time.Nanosecond)
						if now = clock.Now(); !take(b) {
							t.Fatalf("seed %d, step %d: not there after %v", seed, step, wait)
						}
					}
					all = append(all, now)
					if r.IntN(10) == 0 { // in vain
						b.GiveBack(now)
						all = all[:len(all)-1]
					}
				}
			}
			all.check(t, s)
		})
	}
}

// refused returns how long an empty bucket says that it takes to the next token.
func refused(b *bucket.Bucket) (ok bool, wait time.Duration) {
	now := clock.Now()
	if wait = b.Empty(now); wait > 0 {
		return false, wait
	}
	wait, ok, _ = b.Wait(context.Background(), now, bucket.Forever)
	return ok, wait
}

// A limit of many costs no more memory than one of a thousand, is never exceeded,
// and comes short of nothing but a thousandth.
func TestLargePeriodsAreNeverExceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bucket.Settings{PerPeriod: 20_000, Period: time.Minute}
		b := newBucket(s)
		r := rand.New(rand.NewPCG(1, 12))
		var all taken
		start := clock.Now()
		for clock.Now().Sub(start) < 10*time.Minute {
			time.Sleep(time.Duration(r.ExpFloat64() * float64(time.Millisecond)))
			if r.IntN(1000) == 0 {
				time.Sleep(time.Duration(r.IntN(20)) * time.Second)
			}
			for range r.IntN(20) {
				if now := clock.Now(); take(b) {
					all = append(all, now)
				}
			}
		}
		all.check(t, s)
		// Where more was wanted for long, no less was given than the limit in a
		// period and a thousandth.
		reached := false
		for i := range max(len(all)-s.PerPeriod, 0) {
			reached = reached || all[i+s.PerPeriod].Sub(all[i]) <= s.Period+s.Period/1000
		}
		if !reached {
			t.Error("the limit was never reached")
		}
	})
}

// Who waits gets the tokens in turn, each when the one a limit before it is a
// period old.
func TestWaitersTakeTheTokensOfPeriodsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := bucket.Settings{PerPeriod: 3, Period: time.Second, MaxWait: time.Minute}
		b := newBucket(s)
		start := clock.Now()
		var mu sync.Mutex
		var all taken
		var wg sync.WaitGroup
		for n := range 10 {
			wg.Go(func() {
				time.Sleep(time.Duration(n) * time.Millisecond)
				if !take(b) {
					t.Error("no token within a minute")
				}
				mu.Lock()
				all = append(all, clock.Now())
				mu.Unlock()
			})
		}
		wg.Wait()
		all.check(t, s)
		for n, at := range all {
			if want := time.Duration(n/3)*time.Second + time.Duration(n%3)*time.Millisecond; at.Sub(start) != want {
				t.Errorf("token %d after %v, want %v", n, at.Sub(start), want)
			}
		}
	})
}

// Who would have to wait for too long is told at once, however many wait before.
func TestTheLengthOfTheQueueCountsInPeriods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(bucket.Settings{PerPeriod: 2, Period: time.Second, MaxWait: 3500 * time.Millisecond})
		var wg sync.WaitGroup
		for range 8 { // two at once, and two after each second
			wg.Go(func() {
				if !take(b) {
					t.Error("no token")
				}
			})
		}
		synctest.Wait()
		wait, ok, err := b.Wait(context.Background(), clock.Now(), bucket.Forever)
		if ok || err != nil || wait != 4*time.Second {
			t.Errorf("the ninth: %v, %v, told %v", ok, err, wait)
		}
		wg.Wait()
	})
}

// Other settings find what was taken before.
func TestReconfiguredPeriodsKeepWhatWasTaken(t *testing.T) {
	second := bucket.Settings{PerPeriod: 10, Period: time.Second}
	for name, tt := range map[string]struct {
		from, to bucket.Settings
		want     float64 // tokens, after 4 were taken
	}{
		"a higher limit":          {second, bucket.Settings{PerPeriod: 20, Period: time.Second}, 16},
		"a lower limit":           {second, bucket.Settings{PerPeriod: 3, Period: time.Second}, 0},
		"a longer period":         {second, bucket.Settings{PerPeriod: 10, Period: time.Minute}, 6},
		"a shorter period":        {second, bucket.Settings{PerPeriod: 10, Period: time.Millisecond}, 6},
		"a wait":                  {second, bucket.Settings{PerPeriod: 10, Period: time.Second, MaxWait: time.Second}, 6},
		"a rate":                  {second, bucket.Settings{PerSecond: 1, Burst: 20}, 16},
		"a rate with less burst":  {second, bucket.Settings{PerSecond: 1, Burst: 2}, 0},
		"from a rate":             {bucket.Settings{PerSecond: 1, Burst: 10}, second, 6},
		"from a rate to a few":    {bucket.Settings{PerSecond: 1, Burst: 10}, bucket.Settings{PerPeriod: 3, Period: time.Second}, 0},
		"from a rate, with large": {bucket.Settings{PerSecond: 1, Burst: 10}, bucket.Settings{PerPeriod: 1e6, Period: time.Second}, 1e6 - 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(tt.from)
			for range 4 {
				if !take(b) {
					t.Fatal("no token")
				}
			}
			b.Configure(tt.to)
			if got := b.Tokens(); got != tt.want {
				t.Errorf("%s: %v tokens, want %v", name, got, tt.want)
			}
		})
	}
}

// Who waits hears of a token that is given back, and of other settings.
func TestWaitersHearOfTokensOfAPeriodThatComeBack(t *testing.T) {
	for name, free := range map[string]func(*bucket.Bucket){
		"given back": func(b *bucket.Bucket) { b.GiveBack(0) },
		"more": func(b *bucket.Bucket) {
			b.Configure(bucket.Settings{PerPeriod: 2, Period: time.Hour, MaxWait: time.Hour})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(bucket.Settings{PerPeriod: 1, Period: time.Hour, MaxWait: time.Hour})
			take(b)
			start := time.Now()
			done := make(chan bool)
			go func() { done <- take(b) }()
			time.Sleep(time.Second)
			free(b)
			if ok := <-done; !ok || time.Since(start) != time.Second {
				t.Errorf("%s: %v after %v", name, ok, time.Since(start))
			}
		})
	}
}

// However many come at once, never more than the limit pass.
func TestConcurrentCallsStayWithinThePeriod(t *testing.T) {
	s := bucket.Settings{PerPeriod: 100, Period: time.Hour}
	b := newBucket(s)
	var wg sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 8 {
		wg.Go(func() {
			for range 200 {
				now := clock.Now()
				if !b.TakeCredit(now) && !b.Take(now) {
					continue
				}
				mu.Lock()
				passed++
				back := passed%3 == 0
				if back {
					passed--
				}
				mu.Unlock()
				if back {
					b.GiveBack(now)
				}
			}
		})
	}
	wg.Wait()
	for take(b) { // what came back last
		passed++
	}
	if passed != 100 {
		t.Errorf("%d passed, want 100", passed)
	}
}
