package circuit

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// window counts the successes of a rolling window without a lock: gobreaker
// counts the failures, in a window of as many buckets, and is asked at failures
// only.
type window struct {
	begins clock.Nanos
	period time.Duration
	// Each bucket holds the number of its period over its count; one that is
	// found to be of a past period starts anew.
	buckets [windowBuckets]atomic.Uint64
}

// windowBuckets is how finely windows roll: in tenths.
const windowBuckets = 10

func bucketPeriod(window time.Duration) time.Duration {
	return max((window+windowBuckets-1)/windowBuckets, 1)
}

// longestWindow is 146 years. With longer ones gobreaker's sums overflow.
const longestWindow = math.MaxInt64 / 2

// newWindow returns a window that begins now, or nil where successes need not be
// counted.
func newWindow(s Settings) *window {
	if s.FailureRate == 0 {
		return nil
	}
	return &window{begins: clock.Now(), period: bucketPeriod(min(s.Window, longestWindow))}
}

// number is that of the period at now, from 1.
func (w *window) number(now clock.Nanos) uint64 {
	return uint64(max(now.Sub(w.begins), 0)/w.period) + 1
}

const (
	countBits = 32
	countMask = 1<<countBits - 1
)

// age is how many periods before n a bucket's own is; the numbers come round
// after 2^32 periods, and one ahead of n counts as of no age.
func age(n, bucket uint64) uint64 {
	a := (n - bucket>>countBits) & countMask
	if a > countMask/2 {
		return 0
	}
	return a
}

func (w *window) add(now clock.Nanos) {
	n := w.number(now)
	bucket := &w.buckets[n%windowBuckets]
	for {
		v := bucket.Load()
		if age(n, v) == 0 {
			bucket.Add(1) // of this period, or a later one that somebody has begun
			return
		}
		if bucket.CompareAndSwap(v, n<<countBits|1) {
			return
		}
	}
}

func (w *window) count(now clock.Nanos) (sum uint64) {
	n := w.number(now)
	for i := range w.buckets {
		if v := w.buckets[i].Load(); age(n, v) < windowBuckets {
			sum += v & countMask
		}
	}
	return sum
}
