package console

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// Durations are counted in cells, eight to each doubling from 16µs to about two
// minutes: so a quantile is at most an eighth too high.
const (
	firstBits = 14 // below 1<<14 ns there is one cell
	lastBits  = 37
	perBits   = 8
	cells     = 1 + (lastBits-firstBits)*perBits
)

func cellOf(d time.Duration) int {
	b := bits.Len64(uint64(max(d, 0))) - 1
	if b < firstBits {
		return 0
	}
	if b >= lastBits {
		return cells - 1
	}
	return 1 + (b-firstBits)*perBits + int(d>>(b-3))&(perBits-1)
}

// upper is what the durations of a cell are below.
func upper(cell int) time.Duration {
	if cell == 0 {
		return 1 << firstBits
	}
	b := firstBits + (cell-1)/perBits
	return 1<<b + time.Duration((cell-1)%perBits+1)<<(b-3)
}

// live is counted by calls.
type live [cells]atomic.Uint32

func (l *live) add(d time.Duration) { l[cellOf(d)].Add(1) }

// counts are what was taken of a live one.
type counts [cells]uint32

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

// quantile returns the upper edge of the cell with the q-th duration, 0 where there
// is none.
func (c *counts) quantile(q float64) time.Duration {
	var all uint64
	for _, n := range c {
		all += uint64(n)
	}
	rank, below := uint64(math.Ceil(q*float64(all))), uint64(0)
	for i, n := range c {
		if below += uint64(n); n > 0 && below >= rank {
			return upper(i)
		}
	}
	return 0
}
