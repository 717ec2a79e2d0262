// Package recent holds a bounded number of values by their keys, and forgets those
// that were not used for longest.
package recent

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// Values are at most so many, but for those that must stay. Get may be called by many
// goroutines at any time; Put and Each by one at a time. There are none in a nil *Values,
// and no room.
type Values[K comparable, V any] struct {
	most  int
	worth func(V) Worth
	seed  maphash.Seed
	table atomic.Pointer[table[K, V]] // nil until the first Put
	ticks atomic.Uint64               // the time, by which it is known when a value was used
	all   []*entry[K, V]
	// Those that were used before all others, when somebody last looked: the one that
	// was not used for longest first.
	oldest []aged[K, V]
}

// Worth is what is lost with a value that is forgotten.
type Worth int

const (
	// Nothing is.
	Nothing Worth = iota
	// Something is: others go first.
	Something
	// Everything is: it stays, beyond the bound if all do.
	Everything
)

type entry[K comparable, V any] struct {
	key   K
	value atomic.Pointer[V]
	put   uint64        // when
	used  atomic.Uint64 // when it last was
	at    int           // in all
}

// aged is an entry with when it was used last, by what is known.
type aged[K comparable, V any] struct {
	*entry[K, V]
	usedAt uint64
}

// table finds entries by their keys. What is in it is read while it changes.
type table[K comparable, V any] struct{ buckets []atomic.Pointer[node[K, V]] }

// node is one entry of a bucket.
type node[K comparable, V any] struct {
	*entry[K, V]
	next atomic.Pointer[node[K, V]]
}

// looked is how many are looked at to make room for one.
const looked = 16

// New returns room for so many values, 1 at least. Of the sixteen that were not used
// for longest, the first with which nothing is lost makes room for another, or else the
// first of those that may go. Nothing is lost where worth is nil.
func New[K comparable, V any](most int, worth func(V) Worth) *Values[K, V] {
	if worth == nil {
		worth = func(V) Worth { return Nothing }
	}
	return &Values[K, V]{most: max(most, 1), worth: worth, seed: maphash.MakeSeed()}
}

// Get returns the value of a key, which is used by that.
func (v *Values[K, V]) Get(key K) (value V, ok bool) {
	if v == nil {
		return value, false
	}
	e := v.find(key)
	if e == nil {
		return value, false
	}
	if now := v.ticks.Load(); e.used.Load() != now { // a store each time would take the line from other processors
		e.used.Store(now)
	}
	return *e.value.Load(), true
}

func (v *Values[K, V]) find(key K) *entry[K, V] {
	t := v.table.Load()
	if t == nil {
		return nil
	}
	for n := t.bucket(v.seed, key).Load(); n != nil; n = n.next.Load() {
		if n.key == key {
			return n.entry
		}
	}
	return nil
}

func (t *table[K, V]) bucket(seed maphash.Seed, key K) *atomic.Pointer[node[K, V]] {
	return &t.buckets[maphash.Comparable(seed, key)&uint64(len(t.buckets)-1)]
}

// Put sets the value of a key, and returns those that had to make room.
func (v *Values[K, V]) Put(key K, value V) (dropped []V) {
	if e := v.find(key); e != nil {
		e.value.Store(&value)
		e.used.Store(v.ticks.Load())
		return nil
	}
	const atOnce = 2 // those that had to stay may go by now
	for n := 0; n < atOnce && len(v.all) >= v.most; n++ {
		e := v.droppable()
		if e == nil {
			break
		}
		v.remove(e)
		dropped = append(dropped, *e.value.Load())
	}
	e := &entry[K, V]{key: key, put: v.ticks.Add(1), at: len(v.all)}
	e.value.Store(&value)
	e.used.Store(e.put)
	v.add(e)
	return dropped
}

// droppable chooses what to forget; nil if all that it looked at must stay.
func (v *Values[K, V]) droppable() *entry[K, V] {
	v.oldest = slices.DeleteFunc(v.oldest, func(e aged[K, V]) bool { return e.used.Load() != e.usedAt })
	if len(v.oldest) < looked {
		v.sort()
	}
	for i, n := 0, min(looked, len(v.oldest)); n > 0; n-- {
		e := v.oldest[i].entry
		switch v.worth(*e.value.Load()) {
		case Nothing:
			v.oldest = slices.Delete(v.oldest, i, i+1)
			return e
		case Something:
			i++
		case Everything:
			e.used.Store(v.ticks.Add(1)) // it will not be looked at again before others were
			v.oldest = slices.Delete(v.oldest, i, i+1)
			if n == 1 && i == 0 {
				return nil
			}
		}
	}
	e := v.oldest[0].entry
	v.oldest = slices.Delete(v.oldest, 0, 1)
	return e
}

// sort finds those that were not used for longest: an eighth of all, so that it takes
// no time to speak of for each that makes room.
func (v *Values[K, V]) sort() {
	all := make([]aged[K, V], len(v.all))
	for i, e := range v.all {
		all[i] = aged[K, V]{e, e.used.Load()}
	}
	slices.SortFunc(all, func(a, b aged[K, V]) int { return cmp.Or(cmp.Compare(a.usedAt, b.usedAt), cmp.Compare(a.put, b.put)) })
	const share, fewest = 8, 2 * looked
	v.oldest = slices.Clone(all[:min(max(len(all)/share, fewest), len(all))])
}

func (v *Values[K, V]) add(e *entry[K, V]) {
	v.all = append(v.all, e)
	if t := v.table.Load(); t == nil || len(v.all) > len(t.buckets) {
		v.grow()
		return
	}
	v.table.Load().add(v.seed, e)
}

// grow makes a table for twice as many. Those who read the one before find in it what
// was there.
func (v *Values[K, V]) grow() {
	const fewest = 8
	size := fewest
	for size < len(v.all) {
		size *= 2
	}
	t := &table[K, V]{make([]atomic.Pointer[node[K, V]], size)}
	for _, e := range v.all {
		t.add(v.seed, e)
	}
	v.table.Store(t)
}

func (t *table[K, V]) add(seed maphash.Seed, e *entry[K, V]) {
	first := t.bucket(seed, e.key)
	n := &node[K, V]{entry: e}
	n.next.Store(first.Load())
	first.Store(n)
}

func (v *Values[K, V]) remove(e *entry[K, V]) {
	at := v.table.Load().bucket(v.seed, e.key)
	for n := at.Load(); n.entry != e; n = at.Load() {
		at = &n.next
	}
	at.Store(at.Load().next.Load())
	last := v.all[len(v.all)-1]
	v.all[e.at], last.at = last, e.at
	v.all[len(v.all)-1] = nil
	v.all = v.all[:len(v.all)-1]
}

// Len is how many there are.
func (v *Values[K, V]) Len() int {
	if v == nil {
		return 0
	}
	return len(v.all)
}

// Each calls f for each of them.
func (v *Values[K, V]) Each(f func(K, V)) {
	if v == nil {
		return
	}
	for _, e := range v.all {
		f(e.key, *e.value.Load())
	}
}
