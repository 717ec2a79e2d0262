// Package recent holds a bounded number of values by their keys, and forgets those
// that were not used for longest.
package recent

import "container/list"

// Values are at most so many. They are not for several goroutines at the same time.
type Values[K comparable, V any] struct {
	most  int
	order list.List // of entry[K, V], the one used last in front
	by    map[K]*list.Element
	idle  func(V) bool
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

// looked is how many are asked whether they are idle, to make room for one.
const looked = 16

// New returns room for so many values, 1 at least. Of those that were not used for
// longest, the first that is idle makes room for another; where none of the last
// sixteen is, the very last does. A nil idle says that all are.
func New[K comparable, V any](most int, idle func(V) bool) *Values[K, V] {
	return &Values[K, V]{most: max(most, 1), by: make(map[K]*list.Element), idle: idle}
}

// Get returns the value of a key, which is used by that.
func (v *Values[K, V]) Get(key K) (value V, ok bool) {
	at, ok := v.by[key]
	if !ok {
		return value, false
	}
	v.order.MoveToFront(at)
	return at.Value.(entry[K, V]).value, true
}

// Put sets the value of a key, and returns the one that had to make room, if one had.
func (v *Values[K, V]) Put(key K, value V) (dropped V, full bool) {
	if at, ok := v.by[key]; ok {
		at.Value = entry[K, V]{key, value}
		v.order.MoveToFront(at)
		return dropped, false
	}
	if len(v.by) >= v.most {
		dropped, full = v.drop(), true
	}
	v.by[key] = v.order.PushFront(entry[K, V]{key, value})
	return dropped, full
}

func (v *Values[K, V]) drop() V {
	at := v.order.Back()
	if v.idle != nil {
		for other, n := at, 0; other != nil && n < looked; other, n = other.Prev(), n+1 {
			if v.idle(other.Value.(entry[K, V]).value) {
				at = other
				break
			}
		}
	}
	dropped := v.order.Remove(at).(entry[K, V])
	delete(v.by, dropped.key)
	return dropped.value
}

// Len is how many there are.
func (v *Values[K, V]) Len() int { return len(v.by) }

// Each calls f for each of them, the one used last first.
func (v *Values[K, V]) Each(f func(K, V)) {
	for at := v.order.Front(); at != nil; at = at.Next() {
		e := at.Value.(entry[K, V])
		f(e.key, e.value)
	}
}
