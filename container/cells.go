package container

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// counters count what happens to one operation, many goroutines at the same time.
// They are a cell for as long as goroutines don't meet in it, and most never do;
// when they do, they spread over cells on cache lines of their own, so that
// processors no longer wait for each other. What was counted where adds up.
type counters struct {
	alone cell
	cells atomic.Pointer[cells]
	met   atomic.Uint32 // when two were last seen to count at once, in looks
}

// counter is one of the counters of a cell.
type counter int

const (
	countSuccess counter = iota
	countFailure         // cancelled calls, too
	countCancelled
	countRetry
	countTrip
	countRejection
	countLimited
	countTimeout
	countAnswered
	counterKinds
)

// cell fills a cache line.
type cell [counterKinds]atomic.Uint64

// cells are what counters have spread over. Each goroutine keeps to one.
type cells struct {
	shift  int // of a hash, to get one of them
	cell   []cell
	before *cells // fewer, still to be added
}

const (
	fewCells  = 3  // as a power of two
	manyCells = 6  // as a power of two
	lookEvery = 64 // counts
	often     = 8  // looks
)

// count adds one. Every so often it looks whether another is counting here too:
// looking each time would cost as much as counting.
func (c *counters) count(what counter) {
	if cells := c.cells.Load(); cells != nil {
		c.countIn(cells, what)
	} else if c.alone[what].Add(1)%lookEvery == 0 {
		c.look(&c.alone[what])
	}
}

func (c *counters) countIn(cells *cells, what counter) {
	if n := &cells.mine()[what]; n.Add(1)%lookEvery == 0 {
		c.look(n)
	}
}

// mine returns the cell of this goroutine, by where its stack lies: different
// goroutines mostly get different ones, and nothing shared is read to find it.
func (c *cells) mine() *cell {
	var here byte
	stack := uint64(uintptr(unsafe.Pointer(&here))) >> 11  // the smallest stack there is
	return &c.cell[stack*0x9E3779B97F4A7C15>>(c.shift&63)] // Fibonacci hashing: stacks lie side by side
}

// look watches n for about as long as a cache line takes from one processor to
// the next. Two that meet now and then may; those that meet often spread.
func (c *counters) look(n *atomic.Uint64) {
	const while = 32
	before := n.Load()
	for range while {
		if n.Load() != before {
			look := uint32(before/lookEvery) + 1
			if last := c.met.Swap(look); last != 0 && look-last <= often {
				c.spread()
			}
			return
		}
	}
}

// spread gives the counters cells, or more of them.
func (c *counters) spread() {
	before, bits := c.cells.Load(), fewCells
	switch {
	case runtime.GOMAXPROCS(0) == 1:
		return // they take turns anyway
	case before == nil:
	case len(before.cell) < 1<<manyCells:
		bits = manyCells
	default:
		return
	}
	c.cells.CompareAndSwap(before, &cells{64 - bits, make([]cell, 1<<bits), before})
}

// of is what was counted so far.
func (c *counters) of(what counter) uint64 {
	sum := c.alone[what].Load()
	for cells := c.cells.Load(); cells != nil; cells = cells.before {
		for i := range cells.cell {
			sum += cells.cell[i][what].Load()
		}
	}
	return sum
}
