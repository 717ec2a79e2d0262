package cladgrpc

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// reconnecting is how long gRPC may take to have a lost connection back before
// that is an outage: two attempts, of which it makes the first after a second and
// the second 1.6 seconds later, give or take a fifth. In between it fails every
// call at once, with the error of the last attempt.
const reconnecting = 4 * time.Second

// link tells failures that are one event from others. A connection that is lost
// fails all the calls that are under way on it, and until it is back those that
// follow: a server that is restarted would open a circuit breaker and shut its
// callers out for much longer than it was away. To breakers the loss is one
// failure, and so is each call of an outage after that.
type link struct {
	up   atomic.Bool // the last call had a connection, as far as is known
	mu   sync.Mutex
	had  bool        // there was a connection once
	lost clock.Nanos // when it was lost the last time, 0 for never
}

// used notes that a call had a connection.
func (l *link) used() {
	if l.up.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.had = true
	l.up.Store(true)
}

// broke notes that a call that began at some time lost its connection, and
// reports whether that is known already.
func (l *link) broke(began clock.Nanos) (known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.had = true
	if began <= l.lost {
		return true
	}
	l.up.Store(false)
	l.lost = clock.Now()
	return false
}

// lacking notes that there was no connection for a call, and reports whether that
// is known already.
func (l *link) lacking() (known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := clock.Now()
	if l.up.Swap(false) {
		l.lost = now
		return false
	}
	return l.had && now.Sub(l.lost) <= reconnecting
}
