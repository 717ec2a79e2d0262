package console

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/latency"
)

// live is counted by calls.
type live [latency.Buckets]atomic.Uint32

func (l *live) add(d time.Duration) { l[latency.Bucket(d)].Add(1) }

// counts are what was taken of a live one.
type counts [latency.Buckets]uint32

// drain moves what was counted to c.
func (l *live) drain(c *counts) (n uint64) {
	for i := range l {
		if l[i].Load() == 0 {
			continue
		}
		c[i] += l[i].Swap(0)
		n += uint64(c[i])
	}
	return n
}

func (c *counts) add(other *counts) {
	for i, n := range other {
		c[i] += n
	}
}

// quantile returns the upper edge of the bucket with the q-th duration, 0 where there
// is none.
func (c *counts) quantile(q float64) time.Duration {
	var all uint64
	for _, n := range c {
		all += uint64(n)
	}
	rank, below := uint64(math.Ceil(q*float64(all))), uint64(0)
	for i, n := range c {
		if below += uint64(n); n > 0 && below >= rank {
			return latency.Upper(i)
		}
	}
	return 0
}
