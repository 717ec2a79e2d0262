package bucket

import (
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/internal/shard"
)

// Where goroutines on several processors take from one credit all the time, they
// wait for the memory that holds its number. So a large bucket that has plenty lends
// tokens to shards, which goroutines take from apart from each other. What is lent
// counts as in the bucket, which holds as many fewer: it never gives one more than
// its burst and what has come. It may hold back as many as it lends, a 32nd of its
// burst, when they are taken and it is full otherwise.

const (
	shardBits = 3   // so many shards, as a power of two
	mostLent  = 64  // to a shard at a time
	leastLent = 4   // fewer are not worth it
	lentShare = 256 // a shard gets at most this part of the burst at a time
	moveAfter = 64  // meetings in shards
)

// ended marks a shard that gets no more.
const ended = -1

// lent are the tokens of a credit that are with the shards. Nil are none.
type lent struct {
	shard  [1 << shardBits]lentShard
	each   int64   // how many a shard gets at a time
	plenty float64 // so many must be left in the credit then

	// factor is odd. Goroutines are few where they are as many as processors, so two
	// that keep each other waiting have the same shard for good, or, by another factor,
	// most likely not.
	factor atomic.Uint64
	_      [40]byte      // whoever takes reads what is above
	met    atomic.Uint32 // at once, in a shard
}

// lentShard fills a cache line.
type lentShard struct {
	left atomic.Int64 // or ended
	_    [56]byte
}

// newLent returns what to lend of a bucket, or nil where that is not worth it.
func newLent(burst, keep float64) *lent {
	each := min(mostLent, int64(burst/lentShare))
	if each < leastLent || runtime.GOMAXPROCS(0) == 1 {
		return nil
	}
	l := &lent{each: each, plenty: max(keep, burst/2)}
	l.factor.Store(1)
	for i := range l.shard {
		l.shard[i].left.Store(each)
	}
	return l
}

// total is how many are with the shards at most.
func (l *lent) total() float64 { return float64(l.each) * float64(len(l.shard)) }

// mine returns the shard of this goroutine.
func (l *lent) mine() *lentShard { return &l.shard[l.place(shard.Hash())] }

func (l *lent) place(hash uint64) uint64 { return hash * l.factor.Load() >> (64 - shardBits) }

// take takes a token of the shard of this goroutine.
func (l *lent) take() bool {
	s := l.mine()
	for {
		n := s.left.Load()
		if n <= 0 {
			return false
		}
		if s.left.CompareAndSwap(n, n-1) {
			return true
		}
		l.meet()
	}
}

// meet has goroutines move to other shards after so many meetings.
func (l *lent) meet() {
	if l.met.Add(1)%moveAfter == 0 {
		l.factor.Store(l.factor.Load() * 0xD1342543DE82EF95) // Steele and Vigna, 2021: a multiplier of good spread
	}
}

// left is how many tokens the shards hold.
func (l *lent) left() (n int64) {
	if l == nil {
		return 0
	}
	for i := range l.shard {
		n += max(0, l.shard[i].left.Load())
	}
	return n
}

// end takes back what the shards hold, for good, and returns how many are missing.
func (l *lent) end() (missing int64) {
	if l == nil {
		return 0
	}
	for i := range l.shard {
		missing += l.each - max(0, l.shard[i].left.Swap(ended))
	}
	return missing
}

// TakeLent takes a token where the bucket lends some, and need not know the time
// for it. It is asked before TakeCredit; where it takes none, that says nothing.
func (b *Bucket) TakeLent() bool {
	l := b.credit.Load().lent
	return l != nil && l.take()
}

// TakeCredit takes a token without a lock, where there are some to spare. It is
// asked before Take; where it takes none, that says nothing.
func (b *Bucket) TakeCredit(now clock.Nanos) bool {
	for {
		c := b.credit.Load()
		if c.lent != nil && b.borrow(c, now) {
			return true
		}
		ok, met := c.take(now, 1, c.keep)
		if met && c.lent == nil && c.met.often(now) {
			b.lend(c, now)
		}
		if ok || b.credit.Load() == c {
			return ok
		}
	}
}

// takeOpen takes a token of the credit, if that is open.
func (b *Bucket) takeOpen(now clock.Nanos) bool {
	c := b.credit.Load()
	ok, _ := c.take(now, 1, c.keep)
	return ok
}

// borrow takes a token from the shard of this goroutine, which gets others when it
// has none left, as long as there is plenty.
func (b *Bucket) borrow(c *credit, now clock.Nanos) bool {
	if c.lent.take() {
		return true
	}
	mine, each := c.lent.mine(), c.lent.each
	if ok, _ := c.take(now, float64(each), c.lent.plenty); !ok {
		return false
	}
	if !mine.left.CompareAndSwap(0, each-1) { // another was quicker, or it has ended
		b.giveBack(now, int(each-1))
	}
	return true
}

// lend puts a credit that lends in the place of c, if the bucket has plenty.
func (b *Bucket) lend(c *credit, now clock.Nanos) {
	l := newLent(c.burst, c.keep)
	if l == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	lending := &credit{since: c.since, rate: c.rate, burst: c.burst - l.total(), keep: c.keep, lent: l}
	was := c.used.Swap(closedCredit) // who comes now waits for the lock
	if was == closedCredit {
		return
	}
	if c.left(was, now) < l.total()+l.plenty {
		c.used.Store(was)
		return
	}
	lending.used.Store(math.Float64bits(max(math.Float64frombits(was), c.come(now)-c.burst) + l.total()))
	b.credit.Store(lending)
}

// meetings count how often goroutines meet at a credit.
type meetings struct {
	count atomic.Uint32
	last  atomic.Int64 // when there was the latest of so many
}

const (
	lookEvery = 64 // meetings
	soon      = 10 * time.Millisecond
)

// often counts one more, and reports whether they come close after each other.
func (m *meetings) often(now clock.Nanos) bool {
	if m.count.Add(1)%lookEvery != 0 {
		return false
	}
	return now.Sub(clock.Nanos(m.last.Swap(int64(now)))) < soon
}
