package counters_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cladgo/clad/internal/counters"
)

// Goroutines that meet spread over shards, while others read; against plain
// atomic numbers, nothing is lost and nothing counted twice, and no sum ever goes
// back.
func TestCountersEqualPlainOnes(t *testing.T) {
	const goroutines, each = 8, 20_000
	var c counters.Counters
	var plain [counters.Kinds]atomic.Uint64
	var counting, reading sync.WaitGroup
	var done atomic.Bool
	reading.Go(func() {
		for last := uint64(0); !done.Load(); runtime.Gosched() {
			now := c.Of(0)
			if now < last {
				t.Errorf("%d, after it was %d", now, last)
			}
			last = now
		}
	})
	for g := range goroutines {
		counting.Go(func() {
			for i := range each {
				k := counters.Kind((g*i + i) % counters.Kinds)
				c.Count(k)
				plain[k].Add(1)
			}
		})
	}
	counting.Wait()
	done.Store(true)
	reading.Wait()
	for k := range counters.Kinds {
		if got, want := c.Of(counters.Kind(k)), plain[k].Load(); got != want {
			t.Errorf("kind %d: %d, want %d", k, got, want)
		}
	}
}

// Shards that share a cache line would have processors wait for each other, which
// they are there to prevent.
func TestAShardFillsCacheLines(t *testing.T) {
	const line = 64
	if size := unsafe.Sizeof([counters.Kinds]atomic.Uint64{}); size%line != 0 {
		t.Errorf("a shard is %d bytes, no multiple of %d", size, line)
	}
}

// Of most operations nothing but calls and retries is ever counted.
func TestCountersOfMostOperationsFillOneCacheLine(t *testing.T) {
	const line = 64
	if size := unsafe.Sizeof(counters.Counters{}); size > line {
		t.Errorf("counters take %d bytes, want at most %d", size, line)
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	var c counters.Counters
	if got := testing.AllocsPerRun(1000, func() { c.Count(3) }); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

func TestANameHasOneSetOfCounters(t *testing.T) {
	var r counters.Registry
	r.Each(func(name string, _ *counters.Counters) { t.Errorf("%q is in an empty registry", name) })
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() { r.Of(fmt.Sprint(n % 4)).Count(1) })
	}
	wg.Wait()
	found := map[string]uint64{}
	r.Each(func(name string, c *counters.Counters) { found[name] = c.Of(1) })
	for n := range 4 {
		if got := found[fmt.Sprint(n)]; got != 10 {
			t.Errorf("%d: %d counted, want 10", n, got)
		}
	}
	if len(found) != 4 {
		t.Errorf("the registry holds %v", found)
	}
}
