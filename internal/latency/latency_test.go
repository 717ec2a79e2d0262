package latency_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/latency"
)

// model remembers all durations, by the half minute in which they ended.
type model struct{ ends, durations []int64 }

func (m *model) quantile(half int64, q float64) (time.Duration, bool) {
	var late []int64
	for i, end := range m.ends {
		if end >= half-1 {
			late = append(late, m.durations[i])
		}
	}
	if len(late) < latency.Least {
		return 0, false
	}
	slices.Sort(late)
	return time.Duration(late[max(0, int(math.Ceil(q*float64(len(late))))-1)]), true
}

func TestQuantileIsThatOfItsModel(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		var r latency.Recorder
		var m model
		now := clock.Now()
		for step := range 500 {
			now = now.Add(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
			if random.IntN(100) == 0 {
				now = now.Add(time.Duration(random.Int64N(int64(2 * time.Minute))))
			}
			half := int64(now) / int64(latency.Half)
			d := time.Duration(math.Exp(random.Float64()*math.Log(float64(100*time.Second)/float64(20*time.Microsecond))) * float64(20*time.Microsecond))
			r.Add(now, d)
			m.ends, m.durations = append(m.ends, half), append(m.durations, int64(d))
			q := []float64{0.01, 0.5, 0.9, 0.95, 0.99}[random.IntN(5)]
			got, ok := r.Quantile(now, q)
			want, enough := m.quantile(half, q)
			if ok != enough || got < want || got > want+want/8+1 {
				t.Fatalf("seed %d, step %d: the %v quantile is %v (%v), want %v (%v)", seed, step, q, got, ok, want, enough)
			}
		}
	}
}

func TestDurationsBeyondTheBounds(t *testing.T) {
	now := clock.Now()
	for d, want := range map[time.Duration]time.Duration{
		-1: 1 << 14, 0: 1 << 14, 1: 1 << 14, 1<<37 - 1: 1 << 37, 1 << 37: 1 << 37, math.MaxInt64: 1 << 37,
	} {
		var r latency.Recorder
		for range latency.Least {
			r.Add(now, d)
		}
		if got, ok := r.Quantile(now, 0.5); !ok || got != want {
			t.Errorf("%v: %v, %v; want %v", d, got, ok, want)
		}
	}
}

func TestManyCountAtOnce(t *testing.T) {
	var r latency.Recorder
	now := clock.Now()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 1000 {
				r.Add(now.Add(time.Duration(n)*time.Millisecond), time.Millisecond)
				r.Quantile(now, 0.9)
			}
		})
	}
	wg.Wait()
	if d, ok := r.Quantile(now, 0.9); !ok || d < time.Millisecond || d > 1125*time.Microsecond {
		t.Errorf("%v, %v", d, ok)
	}
}
