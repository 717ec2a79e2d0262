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
)

// model is a token bucket as a textbook has it.
type model struct {
	bucket.Settings
	tokens float64
	at     time.Time
}

func (m *model) now() float64 {
	now := time.Now()
	m.tokens = min(float64(m.Burst), m.tokens+now.Sub(m.at).Seconds()*m.PerSecond)
	m.at = now
	return m.tokens
}

func (m *model) giveBack() { m.tokens = min(float64(m.Burst), m.now()+1) }

// Whatever is taken, given back and changed when, the bucket holds what the model
// holds: while calls take without a lock, and when the limiter has to be asked.
func TestGivingBackEqualsAModel(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			settings := func() bucket.Settings {
				return bucket.Settings{PerSecond: math.Pow(10, r.Float64()*8-3), Burst: 1 + r.IntN(1+r.IntN(50))}
			}
			m := &model{Settings: settings()}
			m.tokens, m.at = float64(m.Burst), time.Now()
			b := newBucket(m.Settings)
			unclear := func() float64 { return 1e-3 + 5e-9*m.PerSecond } // clocks have no fractions of a nanosecond
			tolerance := unclear()
			for step := range 300 {
				switch dice := r.IntN(100); {
				case dice < 45:
					tokens := m.now()
					if took := take(b); took {
						m.tokens--
					} else if tokens >= 1+tolerance {
						t.Fatalf("seed %d, step %d: no token, where there are %v of %+v", seed, step, tokens, m.Settings)
					}
				case dice < 75:
					b.GiveBack(clock.Now())
					m.giveBack()
				case dice < 77:
					m.now()
					m.Settings = settings()
					b.Configure(m.Settings)
					tolerance = max(tolerance, unclear())
				default:
					time.Sleep(time.Duration(r.ExpFloat64() * math.Pow(10, r.Float64()*4-3) / m.PerSecond * 1e9))
				}
				if got, want := b.Tokens(), m.now(); math.Abs(got-want) > tolerance || got > float64(m.Burst) {
					t.Fatalf("seed %d, step %d: %v tokens, want %v of %+v", seed, step, got, want, m.Settings)
				}
			}
		})
	}
}

// Calls that take and give back at once, with and without the lock, neither lose
// a token nor make one.
func TestWhatIsGivenBackIsNeitherLostNorDoubled(t *testing.T) {
	const burst = 20
	b := newBucket(bucket.Settings{PerSecond: 1e-6, Burst: burst})
	var out atomic.Int64
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			held := 0
			for i := range 5000 {
				now := clock.Now()
				if (i+g)%3 > 0 && b.TakeCredit(now) || b.Take(now) {
					held++
					if n := out.Add(1); n > burst {
						t.Errorf("%d tokens are out at once, of %d", n, burst)
					}
				}
				if i%500 == 0 { // closes the credit
					_, _, _ = b.Wait(context.Background(), now, bucket.Forever)
				}
				if held > g%4 {
					out.Add(-1)
					b.GiveBack(now)
					held--
				}
			}
			for range held {
				out.Add(-1)
				b.GiveBack(clock.Now())
			}
		})
	}
	wg.Wait()
	if got := b.Tokens(); got < burst-0.01 || got > burst {
		t.Errorf("%v tokens of %d when all were given back", got, burst)
	}
}

func TestAnEmptyBucketHasATokenAgainWhenOneIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(bucket.Settings{PerSecond: 0.001, Burst: 1})
		if !take(b) || take(b) || b.Empty(clock.Now()) <= 0 {
			t.Fatal("the bucket is not empty after its only token")
		}
		b.GiveBack(clock.Now())
		if !take(b) || take(b) {
			t.Error("it did not hold the one that was given back")
		}
	})
}

func TestWaitersAreServedByWhatIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(bucket.Settings{PerSecond: 0.001, Burst: 1, MaxWait: time.Hour})
		take(b)
		start := time.Now()
		var served []time.Duration
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, ok, err := b.Wait(t.Context(), clock.Now(), bucket.Forever)
				mu.Lock()
				defer mu.Unlock()
				if served = append(served, time.Since(start)); !ok || err != nil {
					t.Errorf("%v, %v", ok, err)
				}
			})
			synctest.Wait()
		}
		time.Sleep(time.Second)
		b.GiveBack(clock.Now())
		synctest.Wait()
		time.Sleep(time.Second)
		b.GiveBack(clock.Now())
		wg.Wait()
		if served[0] != time.Second || served[1] != 2*time.Second {
			t.Errorf("served after %v, want 1s and 2s", served)
		}
	})
}

func TestGivingBackDoesNotAllocate(t *testing.T) {
	b := newBucket(bucket.Settings{PerSecond: 1e-6, Burst: 3})
	credit := func() {
		now := clock.Now()
		if !b.TakeCredit(now) && !b.Take(now) {
			t.Error("no token")
		}
		b.GiveBack(now)
	}
	if got := testing.AllocsPerRun(100, credit); got > 0 {
		t.Errorf("on credit: %v allocations", got)
	}
	for take(b) {
	}
	if got := testing.AllocsPerRun(100, func() {
		b.GiveBack(clock.Now())
		if !b.Take(clock.Now()) {
			t.Error("no token")
		}
	}); got > 0 {
		t.Errorf("by the limiter: %v allocations", got)
	}
}
