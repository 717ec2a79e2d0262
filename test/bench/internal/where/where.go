// Package where finds out what the time of a call goes to, from a profile of the
// processor's time.
package where

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/cladgo/clad/test/bench/internal/measure"
	"github.com/google/pprof/profile"
)

// Part is something that time goes to.
type Part struct {
	What  string  `json:"what"`
	Share float64 `json:"share"` // of the whole
}

// Profile runs a subject for about d, in pieces of n calls, and returns what its
// time went to, most first, and how many calls it made.
func Profile(ctx context.Context, s measure.Subject, n int, d time.Duration) (parts []Part, calls uint64, err error) {
	// As in measurements: a heap that looks large is seldom collected. The
	// ballast is never touched, so it takes no memory.
	ballast := make([]byte, 128<<20)
	defer runtime.KeepAlive(ballast)
	var b bytes.Buffer
	if err := pprof.StartCPUProfile(&b); err != nil {
		return nil, 0, err
	}
	for start := time.Now(); time.Since(start) < d && ctx.Err() == nil && err == nil; calls += uint64(n) {
		err = s.Run(n)
	}
	pprof.StopCPUProfile()
	if err := cmp.Or(err, ctx.Err()); err != nil {
		return nil, 0, fmt.Errorf("%s: %w", s.ID(), err)
	}
	p, err := profile.ParseData(b.Bytes())
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", s.ID(), err)
	}
	return Parts(p), calls, nil
}

// Rest is what is told of samples that belong to no call: the garbage collector
// on goroutines of its own, the profiler.
const Rest = "beside the calls: the garbage collector, the scheduler, the profiler"

// known says what time in a function goes to, by a part of its name. The first that
// is found counts, looked for from the innermost function outwards.
var known = []struct{ function, what string }{
	{"runtime.asyncPreempt", Rest},
	{"runtime.newobject", "allocating"},
	{"time.Since", "reading the clock"},
	{"time.Now", "reading the clock"},
	{"context.(*cancelCtx)", "asking the caller's context"},
	{"context.backgroundCtx", "asking the caller's context"},
	{"deadline.(*Context).Cancel", "ending the attempt's context"},
	{"container.(*counters)", "counting the outcome"},
	{"container.(*credit)", "taking a token"},
	{"bench.(*Target)", "the target itself"},
	{"container.", "walking the policy's layers"},
	{"deadline.", "walking the policy's layers"},
	{"Proxy)", "the proxy"},
	{"bench.(*Bench)", "the loop of the benchmark"},
}

// Parts sums up the samples of a profile.
func Parts(p *profile.Profile) []Part {
	value := len(p.SampleType) - 1 // nanoseconds, after the count
	sums, all := map[string]float64{}, 0.0
	for _, sample := range p.Sample {
		sums[whatOf(sample)] += float64(sample.Value[value])
		all += float64(sample.Value[value])
	}
	var parts []Part
	for _, what := range slices.Sorted(maps.Keys(sums)) {
		parts = append(parts, Part{what, sums[what] / all})
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(b.Share, a.Share) })
	return parts
}

// whatOf looks past atomic operations: their names hold what they are used on.
func whatOf(sample *profile.Sample) string {
	for _, location := range sample.Location {
		for _, line := range location.Line {
			for _, k := range known {
				if f := line.Function; f != nil && !strings.HasPrefix(f.Name, "sync/atomic.") && strings.Contains(f.Name, k.function) {
					return k.what
				}
			}
		}
	}
	return Rest
}
