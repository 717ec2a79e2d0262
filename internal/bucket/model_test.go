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

func newBucket(s bucket.Settings) *bucket.Bucket {
	b := &bucket.Bucket{}
	b.Configure(s)
	return b
}

// take asks for a token as a call does that may wait for it.
func take(b *bucket.Bucket) bool {
	now := clock.Now()
	if b.TakeCredit(now) {
		return true
	}
	if b.Empty(now) > 0 {
		return false
	}
	if b.Take(now) {
		return true
	}
	_, ok, _ := b.Wait(context.Background(), now, bucket.Forever)
	return ok
}

// The way past the lock is held against plain golang.org/x/time/rate: whatever
// happens when, both admit the same calls and hold the same tokens.
func TestLimiterEqualsPlainXTimeRate(t *testing.T) {
	histories := 400
	if testing.Short() {
		histories = 50
	}
	for seed := range uint64(histories) {
		synctest.Test(t, func(t *testing.T) { compareLimiters(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func compareLimiters(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	settings := func() bucket.Settings {
		return bucket.Settings{
			PerSecond: math.Pow(10, r.Float64()*10-3), // from 1 in 1,000 s to 10 million in one
			Burst:     1 + r.IntN(1+r.IntN(100)),
		}
	}
	spec := settings()
	b := newBucket(spec)
	plain := rate.NewLimiter(rate.Limit(spec.PerSecond), spec.Burst)
	// Clocks have no fractions of a nanosecond, and no call comes too early that
	// waited as told.
	unclear := func(perSecond float64) float64 { return 1e-3 + 5e-9*perSecond }
	tolerance := unclear(spec.PerSecond)
	for step := range 200 {
		// As often within a token's time as within that of many.
		wait := time.Duration(r.ExpFloat64() * math.Pow(10, r.Float64()*4-3) / spec.PerSecond * 1e9)
		time.Sleep(wait)
		if r.IntN(50) == 0 {
			spec = settings()
			b.Configure(spec)
			plain.SetLimit(rate.Limit(spec.PerSecond))
			plain.SetBurst(spec.Burst)
			tolerance = max(tolerance, unclear(spec.PerSecond))
		}
		for call := range 1 + r.IntN(1+r.IntN(2*spec.Burst)) {
			tokens := plain.Tokens()
			if got := b.Tokens(); math.Abs(got-tokens) > tolerance {
				t.Fatalf("step %d.%d: %v tokens, x/time/rate has %v, after %v under %+v", step, call, got, tokens, wait, spec)
			}
			admitted := take(b)
			switch {
			case math.Abs(tokens-1) <= tolerance:
				if admitted {
					plain.Reserve()
				}
			case admitted != plain.Allow():
				t.Fatalf("step %d.%d: admitted: %v, x/time/rate says %v with %v tokens, after %v under %+v", step, call, admitted, !admitted, tokens, wait, spec)
			}
		}
	}
}

// A bucket that is found full is handed to calls without a lock; rounding once
// made it one without a token there and then.
func TestAFullBucketHasAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for i := range 1000 {
			b := newBucket(bucket.Settings{PerSecond: 1e-3, Burst: 1})
			time.Sleep(time.Duration(i) * 37)
			if tokens, ok := b.Tokens(), take(b); tokens != 1 || !ok {
				t.Fatalf("%d ns: %v tokens, and taken: %v", i*37, tokens, ok)
			}
		}
	})
}

// What comes in a thousand years is set off against times that no clock can show,
// and still the burst is the burst.
func TestTokensThatTakeForEverToCome(t *testing.T) {
	for _, perSecond := range []float64{1e-6, 1e-9, 1e-12, 1e-15, 1e-300} {
		synctest.Test(t, func(t *testing.T) {
			b := newBucket(bucket.Settings{PerSecond: perSecond, Burst: 3})
			passed := 0
			for range 10 {
				time.Sleep(time.Hour)
				if take(b) {
					passed++
				}
			}
			if left := b.Tokens(); passed != 3 || left < 0 || left > 0.1 {
				t.Errorf("%v/s: %d of 3 passed, and %v tokens are left", perSecond, passed, left)
			}
		})
	}
}

// Calls that take tokens without the lock, those that need it, and changes of the
// settings come together, time and again: for a while all want more than there
// is, then the bucket becomes full. What passes is what was in it and what came.
func TestNoTokenIsTakenTwice(t *testing.T) {
	const (
		perSecond, burst = 10_000, 50
		cycle, busy      = 10 * time.Millisecond, 5 * time.Millisecond // the rest fills the bucket
	)
	settings := bucket.Settings{PerSecond: perSecond, Burst: burst}
	b := newBucket(settings)
	var passed atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				since := time.Since(start)
				if since > 20*cycle {
					return
				}
				if in := since % cycle; in > busy {
					time.Sleep(cycle - in) // real time: processors must come between each other
				}
				if take(b) {
					passed.Add(1)
				}
				if g == 0 && i%100 == 0 {
					settings.MaxWait = time.Duration(i/100%2) * 100 * time.Microsecond
					b.Configure(settings)
				}
			}
		})
	}
	wg.Wait()
	most := burst + perSecond*time.Since(start).Seconds()
	if got := float64(passed.Load()); got > most+1 || got < burst {
		t.Errorf("%v calls passed, want from %d to %.1f", got, burst, most)
	} else {
		t.Logf("%v calls passed of at most %.1f", got, most)
	}
}
