package bench_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/cladgo/clad/test/bench"
)

// Each benchmark reports, beside its time, the same in calls of time.Now, which
// are measured right before and after it.
func BenchmarkCall(b *testing.B) {
	for _, c := range bench.Cases() {
		b.Run(c.ID(), func(b *testing.B) {
			prepared, err := c.Prepare()
			if err != nil {
				b.Fatal(err)
			}
			g, ctx, fails := prepared.Gateway()
			b.ReportAllocs()
			before := clock()
			var calls uint64
			for b.Loop() {
				if _, err := g.Charge(ctx, 1); (err != nil) != fails {
					b.Fatal(err)
				}
				calls++
			}
			b.StopTimer()
			perCall := float64(b.Elapsed().Nanoseconds()) / float64(calls)
			b.ReportMetric(perCall/((before+clock())/2), "clocks")
			if err := prepared.Close(calls); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// The same by many goroutines at once; the time is that of a call as if one
// goroutine had made them all.
func BenchmarkParallel(b *testing.B) {
	for _, c := range bench.Cases() {
		for _, goroutines := range []int{1, 2, 8, 64} {
			if c.Row.Alone() {
				continue
			}
			b.Run(fmt.Sprintf("%s/%d", c.ID(), goroutines), func(b *testing.B) {
				prepared, err := c.Prepare()
				if err != nil {
					b.Fatal(err)
				}
				crowd := prepared.Crowd(goroutines)
				defer crowd.Close()
				b.ReportAllocs()
				b.ResetTimer()
				if err := crowd.Run(b.N); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := prepared.Close(uint64(b.N)); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// clock returns what time.Now costs now, in nanoseconds.
func clock() float64 {
	const n = 200_000
	start := time.Now()
	for range n {
		runtime.KeepAlive(time.Now())
	}
	return float64(time.Since(start).Nanoseconds()) / n
}
