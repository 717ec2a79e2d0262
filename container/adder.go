package container

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// adder counts what many goroutines do at the same time. It is a single number
// for as long as they don't meet on it, and most never do; when they have met
// often enough, it spreads over cells on cache lines of their own, so that
// processors no longer wait for each other. What was counted where adds up.
type adder struct {
	alone atomic.Uint64
	cells atomic.Pointer[cells]
	met   atomic.Uint32 // how often two were seen to count at once
}

// cells are what an adder has spread over. Each goroutine keeps to one.
type cells struct {
	shift  int // of a hash, to get one of them
	cell   []cell
	before *cells // fewer, still to be added
}

type cell struct {
	atomic.Uint64
	_ [cacheLine - 8]byte
}

const (
	cacheLine = 64
	fewCells  = 3 // as a power of two
	manyCells = 6
	lookEvery = 64 // counts
	spreadAt  = 8  // meetings
)

// inc adds one. Every so often it looks whether another is counting here too:
// looking each time would cost as much as counting.
func (a *adder) inc() {
	if c := a.cells.Load(); c != nil {
		a.incCell(c)
	} else if a.alone.Add(1)%lookEvery == 0 {
		a.look(&a.alone)
	}
}

func (a *adder) incCell(c *cells) {
	if n := c.mine(); n.Add(1)%lookEvery == 0 {
		a.look(n)
	}
}

// mine returns the cell of this goroutine, by where its stack lies: different
// goroutines mostly get different ones, and nothing shared is read to find it.
func (c *cells) mine() *atomic.Uint64 {
	var here byte
	stack := uint64(uintptr(unsafe.Pointer(&here))) >> 11         // the smallest stack there is
	return &c.cell[stack*0x9E3779B97F4A7C15>>(c.shift&63)].Uint64 // Fibonacci hashing: stacks lie side by side
}

// look watches n for about as long as a cache line takes from one processor to
// the next.
func (a *adder) look(n *atomic.Uint64) {
	const while = 32
	before := n.Load()
	for range while {
		if n.Load() != before {
			if a.met.Add(1)%spreadAt == 0 {
				a.spread()
			}
			return
		}
	}
}

// spread gives the adder cells, or more of them.
func (a *adder) spread() {
	before, bits := a.cells.Load(), fewCells
	switch {
	case runtime.GOMAXPROCS(0) == 1:
		return // they take turns anyway
	case before == nil:
	case len(before.cell) < 1<<manyCells:
		bits = manyCells
	default:
		return
	}
	a.cells.CompareAndSwap(before, &cells{64 - bits, make([]cell, 1<<bits), before})
}

// sum is what was counted so far.
func (a *adder) sum() uint64 {
	sum := a.alone.Load()
	for c := a.cells.Load(); c != nil; c = c.before {
		for i := range c.cell {
			sum += c.cell[i].Load()
		}
	}
	return sum
}
