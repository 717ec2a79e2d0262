package bucket_test

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/internal/bucket"
	"github.com/cladgo/clad/internal/clock"
	"golang.org/x/time/rate"
)

// A bucket that lends never admits a call that plain golang.org/x/time/rate would
// not, whenever it begins to lend, and never holds back more than it may lend.
func TestALendingBucketStaysWithinItsLimit(t *testing.T) {
	histories, lent := 100, 0
	if testing.Short() {
		histories = 20
	}
	for seed := range uint64(histories) {
		synctest.Test(t, func(t *testing.T) { lent += compareLending(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if lent < histories {
		t.Errorf("lent %d times in %d histories", lent, histories)
	}
}

func compareLending(t *testing.T, seed uint64) (lent int) {
	const least = 1024 // that a bucket holds which lends
	r := rand.New(rand.NewPCG(seed, 2))
	settings := func() bucket.Settings {
		return bucket.Settings{PerSecond: math.Pow(10, 1+r.Float64()*6), Burst: least + r.IntN(8*least), Reserve: r.IntN(2) * r.IntN(least)}
	}
	spec := settings()
	b := newBucket(spec)
	plain := rate.NewLimiter(rate.Limit(spec.PerSecond), spec.Burst)
	tolerance := 1e-3 + 5e-9*spec.PerSecond
	for step := range 40 {
		time.Sleep(time.Duration(r.ExpFloat64() * math.Pow(10, r.Float64()*4) / spec.PerSecond * 1e9))
		if r.IntN(20) == 0 {
			spec = settings()
			b.Configure(spec)
			plain.SetLimit(rate.Limit(spec.PerSecond))
			plain.SetBurst(spec.Burst)
			tolerance = max(tolerance, 1e-3+5e-9*spec.PerSecond)
		}
		if r.IntN(4) == 0 && b.Lend() {
			lent++
		}
		for range 1 + r.IntN(3) { // goroutines, which have shards of their own
			calls := r.IntN(1 + r.IntN(spec.Burst))
			sheddable := r.IntN(4) == 0
			done := make(chan struct{})
			go func() {
				defer close(done)
				for call := range calls {
					tokens, got := plain.Tokens(), b.Tokens()
					if got > tokens+tolerance || got < tokens-float64(spec.Burst)/32-tolerance {
						t.Errorf("step %d.%d: %v tokens, x/time/rate has %v under %+v", step, call, got, tokens, spec)
						return
					}
					var admitted bool
					if sheddable {
						_, admitted = b.TakeUnreserved(clock.Now())
					} else {
						admitted = take(b)
					}
					if admitted {
						if tokens < 1-tolerance {
							t.Errorf("step %d.%d: admitted with %v tokens under %+v", step, call, tokens, spec)
							return
						}
						plain.Reserve()
					} else {
						if got >= 1+tolerance && !sheddable {
							t.Errorf("step %d.%d: refused with %v tokens under %+v", step, call, got, spec)
						}
						return
					}
				}
			}()
			<-done
			if t.Failed() {
				return lent
			}
		}
	}
	return lent
}

// Goroutines take what is lent and what is not, give some of it back, change the
// settings and wait, all at once, while the bucket begins and ends to lend time and
// again. What passes is at most what was in it and what came, and nothing is lost:
// with nobody there, it fills again to its burst.
func TestNoLentTokenIsTakenTwice(t *testing.T) {
	const perSecond, burst = 2_000_000, 4096
	settings := bucket.Settings{PerSecond: perSecond, Burst: burst}
	b := newBucket(settings)
	var passed, lent atomic.Int64
	start := time.Now()
	if take(b) && b.Lend() { // at first; later only where it is found with plenty
		passed.Add(1)
		lent.Add(1)
	}
	stop := start.Add(300 * time.Millisecond)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := 0; time.Now().Before(stop); i++ {
				if b.TakeLent() || take(b) {
					if passed.Add(1); i%10 == 0 {
						passed.Add(-1)
						b.GiveBack(clock.Now())
					}
				}
				switch {
				case i%2000 == 1999: // lets it fill
					time.Sleep(burst / 2 * time.Second / perSecond)
				case g == 0 && i%100 == 0 && b.Lend():
					lent.Add(1)
				case g == 1 && i%3000 == 0:
					settings.MaxWait = time.Duration(i/3000%2) * 100 * time.Microsecond
					b.Configure(settings)
				case g == 2 && i%1000 == 0:
					b.Tokens()
				case g == 3 && i%700 == 0:
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Microsecond)
					if _, ok, _ := b.Wait(ctx, clock.Now(), bucket.Forever); ok {
						passed.Add(1)
					}
					cancel()
				}
			}
		})
	}
	wg.Wait()
	most := burst + perSecond*time.Since(start).Seconds()
	if got := float64(passed.Load()); got > most+1 || got < burst {
		t.Errorf("%v calls passed, want from %d to %.1f", got, burst, most)
	}
	if lent.Load() == 0 {
		t.Error("the bucket never lent")
	}
	t.Logf("%d calls passed of at most %.0f, lent %d times", passed.Load(), most, lent.Load())

	b.Lend()
	for range burst / 2 {
		b.TakeLent()
	}
	b.Configure(bucket.Settings{PerSecond: perSecond, Burst: burst, Reserve: 1}) // ends what is lent
	time.Sleep(2 * burst * time.Second / perSecond)
	if got := b.Tokens(); got != burst {
		t.Errorf("%v tokens in the end, want %d", got, burst)
	}
}

// Only those that meet all the time have a bucket lend: a call now and then does not.
func TestABucketLendsWhereGoroutinesMeet(t *testing.T) {
	b := newBucket(bucket.Settings{PerSecond: 1, Burst: math.MaxInt32})
	for range 100_000 {
		take(b)
	}
	if b.Lends() {
		t.Error("it lends to one goroutine")
	}
	deadline := time.Now().Add(20 * time.Second)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for !b.Lends() && time.Now().Before(deadline) {
				for range 1000 {
					take(b)
				}
			}
		})
	}
	wg.Wait()
	if !b.Lends() {
		t.Error("it does not lend to eight")
	}
}

// A small bucket, where a few tokens matter, is always one.
func TestASmallBucketDoesNotLend(t *testing.T) {
	for burst, want := range map[int]bool{1: false, 100: false, 1023: false, 1024: true, 1 << 20: true} {
		b := newBucket(bucket.Settings{PerSecond: 1, Burst: burst})
		take(b) // opens its credit
		if got := b.Lend(); got != want {
			t.Errorf("a burst of %d: lends %v", burst, got)
		}
	}
}
