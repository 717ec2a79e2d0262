// Package bulkhead counts the permits of those who may do something at the same
// time, without a lock as long as there are some to spare, and has a fair queue
// for those who may wait for theirs.
package bulkhead

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Bulkhead holds permits. It is configured before its first use, and is safe for
// use by many goroutines.
type Bulkhead struct {
	// word is how many permits are free, in units, and two flags below that. It
	// is below 0 while more are out than a new limit allows.
	word atomic.Int64
	keep atomic.Int64 // as many are not for the sheddable

	// refused is when the first was refused since a permit was last given back,
	// and gap how long it takes of late from there until one is.
	refused, gap atomic.Int64

	mu       sync.Mutex // guards all below, and changes of the flags
	settings Settings
	queues   [2]queue // of the essential, who come first, and the sheddable
}

const (
	// waiting says that somebody waits. Whoever gives a permit back then sees to
	// it who gets it, and nobody takes one without asking who was first.
	waiting int64 = 1 << iota
	// full says that somebody was refused and wants to know when that ends.
	full
	unit

	flags = iota - 1
)

// Settings say how many permits there are. None has a default.
type Settings struct {
	Limit   int           // permits, above 0
	Reserve int           // of them, those that are not for the sheddable; below Limit
	MaxWait time.Duration // how long to wait for one; 0 is not at all
}

// Configure gives the bulkhead its settings, in place. Who has a permit keeps it,
// also where there are to be fewer; who waits may wait as long as before.
func (b *Bulkhead) Configure(s Settings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	more := s.Limit - b.settings.Limit
	b.settings = s
	b.keep.Store(int64(s.Reserve))
	b.word.Add(int64(more) * unit)
	b.handOut()
}

// TakeSpare takes a permit without a lock, where there is one that is for
// everybody. It is asked first; where it takes none, that says nothing.
func (b *Bulkhead) TakeSpare() bool { return b.take(b.keep.Load(), waiting) }

// Take takes a permit if there is one, and nobody is before the one who asks.
func (b *Bulkhead) Take(sheddable bool) bool {
	if b.take(b.kept(sheddable), waiting) {
		return true
	}
	if b.word.Load()&waiting == 0 {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.takeBefore(sheddable)
}

// kept is how many permits must be left.
func (b *Bulkhead) kept(sheddable bool) int64 {
	if sheddable {
		return b.keep.Load()
	}
	return 0
}

// take takes a permit, if it leaves as many as are to be kept and no flag forbids.
func (b *Bulkhead) take(keep, unless int64) bool {
	for {
		was := b.word.Load()
		if was&unless != 0 || was < (keep+1)*unit {
			return false
		}
		if b.word.CompareAndSwap(was, was-unit) {
			return true
		}
	}
}

// takeBefore takes a permit for one who comes before those in the queue, if all
// of these come after it.
func (b *Bulkhead) takeBefore(sheddable bool) bool {
	if len(b.queues[0]) > 0 || sheddable && len(b.queues[1]) > 0 {
		return false
	}
	return b.take(b.kept(sheddable), 0)
}

// Release gives a permit back.
func (b *Bulkhead) Release() {
	if b.word.Add(unit)&(waiting|full) == 0 {
		return
	}
	now := clock.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.noteFree(now)
	b.handOut()
}

// Refuse notes that somebody gets no permit, and returns how long it takes until
// one is free, as far as that has been seen: as long as it did of late, or has by
// now.
func (b *Bulkhead) Refuse(now clock.Nanos) time.Duration {
	if b.word.Load()&full == 0 {
		b.noteFull(now)
	}
	return max(time.Duration(b.gap.Load()), now.Sub(clock.Nanos(b.refused.Load())))
}

func (b *Bulkhead) noteFull(now clock.Nanos) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.word.Load()&full == 0 {
		b.refused.Store(int64(now))
		b.word.Or(full)
	}
}

func (b *Bulkhead) waiting() int { return len(b.queues[0]) + len(b.queues[1]) }

// noteFree measures how long it took from a refusal until a permit was free, and
// keeps a mean in which the last counts an eighth: the smoothing of RFC 6298, by
// which TCP expects round trips to take.
func (b *Bulkhead) noteFree(now clock.Nanos) {
	if b.word.And(^full)&full == 0 {
		return
	}
	took, gap := max(int64(now)-b.refused.Load(), 1), b.gap.Load()
	if gap == 0 {
		gap = took
	}
	b.gap.Store(gap + (took-gap)/8)
}

// Status is what a bulkhead holds at one moment.
type Status struct{ InUse, Waiting int }

// Status returns what the bulkhead holds now.
func (b *Bulkhead) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	free := int(b.word.Load() >> flags)
	return Status{InUse: b.settings.Limit - free, Waiting: b.waiting()}
}
