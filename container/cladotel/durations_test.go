package cladotel_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// What is kept until somebody collects comes to be in the histogram as if it had
// been recorded one by one: against a plain count, for every length there is, the
// edges of the buckets too.
func TestDurationsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := observe(t, policy.Catalog{})
		r, err := o.For("op", policy.Retry{MaxAttempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		var took []time.Duration
		for _, b := range metrics.Boundaries {
			at := time.Duration(math.Round(b * 1e9))
			took = append(took, at-1, at, at+1)
		}
		for b := range 38 { // up to more than a cell is for
			took = append(took, 1<<b-1, 1<<b, 1<<b+1, time.Duration(rnd.Int64N(1<<b)+1))
		}
		buckets, sum := make([]uint64, len(metrics.Boundaries)+1), 0.0
		for _, d := range took {
			n, _ := slices.BinarySearch(metrics.Boundaries, d.Seconds())
			buckets[n]++
			sum += d.Seconds()
			_ = r.Run(t.Context(), func(context.Context) error { time.Sleep(d); return nil })
		}
		for _, name := range []string{"clad.operation.duration", "clad.attempt.duration"} {
			point := o.collect()[name].Data.(metricdata.Histogram[float64]).DataPoints[0]
			if !slices.Equal(point.BucketCounts, buckets) || math.Abs(point.Sum-sum) > sum*1e-6 {
				t.Errorf("%s: %v, sum %v\nwant %v, sum %v", name, point.BucketCounts, point.Sum, buckets, sum)
			}
		}
	})
}

// However many there are between two collections, and whoever collects meanwhile,
// none is lost, and none counted twice.
func TestDurationsAreCountedOnce(t *testing.T) {
	const goroutines, each = 4, 40_000 // more than are kept
	o := observe(t, policy.Catalog{})
	r, err := o.For("op", policy.Retry{MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	var calls, collections sync.WaitGroup
	done := make(chan struct{})
	collections.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				o.collect()
			}
		}
	})
	for range goroutines {
		calls.Go(func() {
			for range each {
				_ = r.Run(t.Context(), func(context.Context) error { return nil })
			}
		})
	}
	calls.Wait()
	close(done)
	collections.Wait()
	o.want("clad.operation.duration", map[string]float64{"op,succeeded": goroutines * each})
	o.want("clad.attempt.duration", map[string]float64{"op": goroutines * each})
}

// What nobody collected before the end is there for a last collection after it.
func TestTheLastDurationsAreNotLost(t *testing.T) {
	o := observe(t, policy.Catalog{})
	o.run(t.Context(), "op", policy.Retry{MaxAttempts: 1})
	o.Close()
	o.want("clad.operation.duration", map[string]float64{"op,succeeded": 1})
}
