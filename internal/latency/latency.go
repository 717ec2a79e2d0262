// Package latency estimates quantiles of durations of late, in bounded memory and
// without a lock.
package latency

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Half is how long durations count at least; at most they do for twice as long.
const Half = 30 * time.Second

// Least is how many durations an estimate needs.
const Least = 20

// Recorder counts durations. The zero value has counted none. It is safe for use by
// many goroutines.
type Recorder struct {
	halves  [2]histogram
	current atomic.Int64 // number of the half that is being counted
}

type histogram struct {
	n      atomic.Uint64
	counts [Buckets]atomic.Uint32
}

// Add counts a duration that ended now.
func (r *Recorder) Add(now clock.Nanos, d time.Duration) {
	h := &r.halves[r.roll(now)&1]
	h.counts[Bucket(d)].Add(1)
	h.n.Add(1)
}

// roll begins another half where the last one is over, and returns its number. Who
// counts at that very moment may be lost.
func (r *Recorder) roll(now clock.Nanos) int64 {
	number := int64(now) / int64(Half)
	for {
		current := r.current.Load()
		if number <= current {
			return current
		}
		if r.current.CompareAndSwap(current, number) {
			r.halves[number&1].clear()
			if number > current+1 {
				r.halves[(number-1)&1].clear()
			}
			return number
		}
	}
}

func (h *histogram) clear() {
	h.n.Store(0)
	for i := range h.counts {
		h.counts[i].Store(0)
	}
}

// Quantile returns what a share q of the durations of late is not above, and whether
// there are enough of them to tell.
func (r *Recorder) Quantile(now clock.Nanos, q float64) (d time.Duration, ok bool) {
	r.roll(now)
	all := r.halves[0].n.Load() + r.halves[1].n.Load()
	if all < Least {
		return 0, false
	}
	rank, below := uint64(math.Ceil(q*float64(all))), uint64(0)
	for i := range Buckets {
		below += uint64(r.halves[0].counts[i].Load()) + uint64(r.halves[1].counts[i].Load())
		if below >= rank && below > 0 {
			return Upper(i), true
		}
	}
	return Upper(Buckets - 1), true
}
