// Package counters counts what happens to operations, many goroutines at the same
// time.
package counters

import (
	"runtime"
	"sync/atomic"

	hash "github.com/cladgo/clad/internal/shard"
)

// Kinds is how many kinds of things a [Counters] counts.
const Kinds = 24

// Often is how many of them most operations meet: the first. The others take no
// memory until one of them is counted.
const Often = 4

// Kind says which of the counters, from 0 to Kinds-1. What it stands for is the
// user's.
type Kind uint8

// Counters count each kind of thing. They are one shard for as long as goroutines
// don't meet in it, and most never do; when they do, they spread over shards of
// their own, so that processors no longer wait for each other. What was counted
// where adds up. The zero Counters are ready to count.
type Counters struct {
	alone  [Often]atomic.Uint64
	seldom atomic.Pointer[shard] // of the kinds from Often on
	shards atomic.Pointer[shards]
	met    atomic.Uint32 // when two were last seen to count at once, in looks
}

// shard fills three cache lines.
type shard [Kinds]atomic.Uint64

// shards are what counters have spread over. Each goroutine keeps to one.
type shards struct {
	shift  int // of a hash, to get one of them
	shard  []shard
	before *shards // fewer, still to be added
}

const (
	fewShards  = 3  // as a power of two
	manyShards = 6  // as a power of two
	lookEvery  = 64 // counts
	often      = 8  // looks
)

// Count adds one. Every so often it looks whether another is counting here too:
// looking each time would cost as much as counting.
func (c *Counters) Count(k Kind) {
	k %= Kinds
	if s := c.shards.Load(); s != nil {
		c.countIn(s, k)
	} else if n := c.one(k); n.Add(1)%lookEvery == 0 {
		c.look(n)
	}
}

// one returns the counter of a kind where all count in one shard.
func (c *Counters) one(k Kind) *atomic.Uint64 {
	if k < Often {
		return &c.alone[k]
	}
	return &c.others()[k]
}

func (c *Counters) others() *shard {
	if s := c.seldom.Load(); s != nil {
		return s
	}
	c.seldom.CompareAndSwap(nil, new(shard))
	return c.seldom.Load()
}

func (c *Counters) countIn(s *shards, k Kind) {
	if n := &s.mine()[k%Kinds]; n.Add(1)%lookEvery == 0 {
		c.look(n)
	}
}

// mine returns the shard of this goroutine.
func (s *shards) mine() *shard { return &s.shard[hash.Hash()>>(s.shift&63)] }

// look watches n for about as long as a cache line takes from one processor to
// the next. Two that meet now and then may; those that meet often spread.
func (c *Counters) look(n *atomic.Uint64) {
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

// spread gives the counters shards, or more of them.
func (c *Counters) spread() {
	before, bits := c.shards.Load(), fewShards
	switch {
	case runtime.GOMAXPROCS(0) == 1:
		return // they take turns anyway
	case before == nil:
	case len(before.shard) < 1<<manyShards:
		bits = manyShards
	default:
		return
	}
	c.shards.CompareAndSwap(before, &shards{64 - bits, make([]shard, 1<<bits), before})
}

// Add adds what was counted elsewhere.
func (c *Counters) Add(k Kind, n uint64) {
	if n > 0 {
		c.one(k % Kinds).Add(n)
	}
}

// Of is what was counted of a kind so far.
func (c *Counters) Of(k Kind) uint64 {
	var sum uint64
	if k < Often {
		sum = c.alone[k].Load()
	} else if s := c.seldom.Load(); s != nil {
		sum = s[k].Load()
	}
	for s := c.shards.Load(); s != nil; s = s.before {
		for i := range s.shard {
			sum += s.shard[i][k].Load()
		}
	}
	return sum
}
