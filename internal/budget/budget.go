// Package budget bounds what is done again by a share of what was done: so many
// retries for so many operations of late.
package budget

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Window is how far back operations and retries count.
const Window = 10 * time.Second

// A window rolls in periods of a second: what is counted lies between nine and ten
// seconds back.
const (
	period  = time.Second
	periods = int64(Window / period)
)

// Budget counts operations and retries of the last [Window]. The zero value has
// counted none. It is safe for use by many goroutines: operations are counted
// without a lock, and retries, which follow failures, under one.
type Budget struct {
	operations counter
	mu         sync.Mutex // so that no two spend the same retry
	retries    counter
}

// Operation counts an operation.
func (b *Budget) Operation(now clock.Nanos) { b.operations.add(periodOf(now)) }

// Spend counts a retry, if with it there are no more than the share of the
// operations, or no more than least.
func (b *Budget) Spend(now clock.Nanos, share float64, least int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.Left(now, share, least) == 0 {
		return false
	}
	b.retries.add(periodOf(now))
	return true
}

// Left returns how many retries the share still allows. It takes no lock, so others
// may have spent some of them by then.
func (b *Budget) Left(now clock.Nanos, share float64, least int) int {
	n := periodOf(now)
	allowed := max(float64(least), share*float64(b.operations.sum(n))+epsilon)
	return int(min(max(0, allowed-float64(b.retries.sum(n))), math.MaxInt32))
}

// epsilon is for shares that a float64 has only nearly: a tenth of 30 is 3.
const epsilon = 1e-9

func periodOf(now clock.Nanos) int64 { return int64(now) / int64(period) }

// counter counts in a window. Each slot holds the number of its period and the
// count of it in one word, so that both change together.
type counter [periods]atomic.Uint64

const (
	countBits = 32
	countMask = 1<<countBits - 1
)

// add counts one in the n-th period. The count of one that is over for a whole
// window begins anew; one that comes so late that its slot is in use counts there.
func (c *counter) add(n int64) {
	slot := &c[n%periods]
	for {
		was := slot.Load()
		is := was + 1
		switch number := int64(was >> countBits); {
		case number < n:
			is = uint64(n)<<countBits | 1
		case was&countMask == countMask:
			return // more cannot be told apart
		}
		if slot.CompareAndSwap(was, is) {
			return
		}
	}
}

// sum returns the count of the window that ends with the n-th period.
func (c *counter) sum(n int64) (sum uint64) {
	for i := range c {
		if was := c[i].Load(); int64(was>>countBits) > n-periods {
			sum += was & countMask
		}
	}
	return sum
}
