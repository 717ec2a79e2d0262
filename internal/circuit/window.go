package circuit

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// window counts in a rolling window without a lock. It counts successes: gobreaker
// counts the failures, in a window of as many periods, and is asked at failures
// only. And it counts slow calls.
type window struct {
	begins clock.Nanos
	period time.Duration
	slots  [windowPeriods]slot
}

// slot counts those of a period, and of every one that is a whole number
// of windows later, in its turn.
type slot struct {
	number atomic.Uint64 // of the period, from 1
	all    atomic.Uint64 // so far
	before atomic.Uint64 // before this period
}

// windowPeriods is how finely windows roll: in tenths.
const windowPeriods = 10

func periodOf(window time.Duration) time.Duration {
	return max((window+windowPeriods-1)/windowPeriods, 1)
}

// longestWindow is 146 years. With longer ones gobreaker's sums overflow.
const longestWindow = math.MaxInt64 / 2

// newWindow returns a window that begins now.
func newWindow(long time.Duration) *window {
	return &window{begins: clock.Now(), period: periodOf(min(long, longestWindow))}
}

// newSuccesses returns a window for successes, or nil where they need not be
// counted.
func newSuccesses(s Settings) *window {
	if s.FailureRate == 0 {
		return nil
	}
	return newWindow(s.Window)
}

// number is that of the period at now.
func (w *window) number(now clock.Nanos) uint64 {
	return uint64(max(now.Sub(w.begins), 0)/w.period) + 1
}

func (w *window) add(now clock.Nanos, more uint64) {
	n := w.number(now)
	s := &w.slots[n%windowPeriods]
	if s.number.Load() != n {
		s.begin(n)
	}
	s.all.Add(more)
}

// begin has the slot count the n-th period, unless somebody has begun a later one.
// None is lost of what others add meanwhile; who counts at that very moment may
// still find the period before in it.
func (s *slot) begin(n uint64) {
	for {
		number, all := s.number.Load(), s.all.Load()
		if number >= n {
			return
		}
		if s.number.CompareAndSwap(number, n) {
			s.before.Store(all)
			return
		}
	}
}

func (w *window) count(now clock.Nanos) (sum uint64) {
	n := w.number(now)
	for i := range w.slots {
		if s := &w.slots[i]; s.number.Load()+windowPeriods > n {
			before := s.before.Load() // first: it is never more than all are later
			sum += s.all.Load() - before
		}
	}
	return sum
}
