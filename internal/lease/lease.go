// Package lease is a limit that many instances share through a store: each takes
// tokens from there in advance, as many as it is about to need, and gives back what
// it does not. What is spent has been paid for, so however many instances die, never
// more passes than the store has given out. Without the store an instance goes on
// with its share.
package lease

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

const (
	// Horizon is for how long a lease is to last.
	Horizon = 150 * time.Millisecond
	// Lifetime is how long tokens are good for.
	Lifetime = time.Second
	// Patience is how long a call waits for the store.
	Patience = 5 * time.Millisecond

	idle     = 250 * time.Millisecond // after which tokens that nobody uses are given back
	pace     = 100 * time.Millisecond // between questions to a store that has too few tokens
	slowest  = time.Second            // likewise, in a large fleet
	leftover = 10 * time.Millisecond  // after which one that is exact gives back what nobody took
)

// Settings say what the limit is. None has a default.
type Settings struct {
	PerSecond float64
	Burst     int
	MaxWait   time.Duration // how long a call may wait for its token
	// Exact has every call ask the store: no tokens are taken in advance.
	Exact bool
	// Fleet is how many instances there are, as long as the store has not said.
	Fleet int
}

// burst is what the store holds at most: at least as much as a lease may have.
func (s Settings) burst() float64 {
	if s.Exact {
		return float64(s.Burst)
	}
	return max(float64(s.Burst), math.Ceil(s.PerSecond*Horizon.Seconds()))
}

// Account is an instance's part in a limit. It is configured before its first use,
// and is then safe for use by many goroutines.
type Account struct {
	// Ask sends a request to the store, without waiting for the answer, which goes to
	// Answer or to Fail, once. No lock is held. It is set before the first use.
	Ask func(Request)
	// Instance is unlike any other's.
	Instance string

	left  atomic.Int64 // tokens of the lease
	until atomic.Int64 // the reading of the clock up to which they are good
	low   atomic.Int64 // when so many are left, it is time to ask for more
	empty atomic.Int64 // there is no token before this reading

	mu       sync.Mutex // guards all below
	settings Settings
	request  *Request // to be sent when the lock is free
	flight   flight
	sequence uint64
	epoch    int64
	next     clock.Nanos // before this the store is not to be asked
	fleet    int         // 0 while nobody has said
	heard    clock.Nanos // when it last answered
	demand   demand
	local    local
	waiters  queue
	asking   int // calls that wait for the answer
	timer    *time.Timer
	due      clock.Nanos // when the timer goes off; 0 when it does not
	lookAt   clock.Nanos // when to look next what of the lease is used
	closed   bool
}

// flight is a question that is under way.
type flight struct {
	answered chan struct{} // closed when it is over; nil when there is none
	since    clock.Nanos
	want     int64
	spent    int64
}

// Configure gives the account its settings. It keeps the tokens that it has.
func (a *Account) Configure(s Settings) {
	a.mu.Lock()
	defer a.unlock()
	a.settings = s
	a.empty.Store(0)
	a.reshare(clock.Now())
}

// reshare reckons the instance's part of the limit when it is alone with it.
func (a *Account) reshare(now clock.Nanos) {
	n := float64(a.size())
	a.local.configure(now, a.settings.PerSecond/n, max(1, float64(a.settings.Burst)/n))
}

func (a *Account) size() int {
	if a.fleet > 0 {
		return a.fleet
	}
	return max(a.settings.Fleet, 1)
}

// Take takes a token of the lease, without a lock, where there is one. Where it takes
// none, that says nothing.
func (a *Account) Take(now clock.Nanos) bool {
	left, ok := a.pop(now)
	if ok && left == a.low.Load() {
		a.refill(now)
	}
	return ok
}

// pop takes a token off what is left of the lease, if there is one, and returns how
// many stay.
func (a *Account) pop(now clock.Nanos) (left int64, ok bool) {
	if int64(now) >= a.until.Load() {
		return 0, false
	}
	for {
		left := a.left.Load()
		if left <= 0 {
			return 0, false
		}
		if a.left.CompareAndSwap(left, left-1) {
			return left - 1, true
		}
	}
}

// Empty returns how long there will be no token for sure, to a call that wants one.
func (a *Account) Empty(now clock.Nanos) time.Duration {
	wait := clock.Nanos(a.empty.Load()).Sub(now)
	if wait > 0 {
		a.demand.refused.Add(1)
	}
	return wait
}

// GiveBack returns a token that was taken in vain, whenever that was.
func (a *Account) GiveBack(clock.Nanos) {
	a.mu.Lock()
	defer a.unlock()
	now := clock.Now()
	if int64(now) < a.until.Load() {
		a.left.Add(1)
	} else {
		a.local.giveBack()
	}
	a.empty.Store(0)
	a.serve(now)
	a.schedule(now)
}

// refill asks for more, before there is none left.
func (a *Account) refill(now clock.Nanos) {
	a.mu.Lock()
	defer a.unlock()
	a.plan(now, 0)
}

// look gives back what is not used.
func (a *Account) look(now clock.Nanos) {
	left := a.left.Load()
	if left <= 0 || int64(now) >= a.until.Load() {
		a.demand.put -= a.left.Swap(0)
		return
	}
	a.lookAt = now.Add(idle)
	unused := left - 2*a.demand.measure(now, left)
	if a.settings.Exact || a.demand.since(now) >= idle {
		unused = left
	}
	if unused <= 0 || a.flight.answered != nil || a.local.alone {
		return
	}
	for unused > 0 && !a.left.CompareAndSwap(left, left-unused) {
		left = a.left.Load()
		unused = min(unused, left)
	}
	if unused > 0 {
		a.demand.put -= unused
		a.low.Store(-1)
		a.send(now, 0, unused)
	}
}

// work is what the timer does.
func (a *Account) work() {
	a.mu.Lock()
	defer a.unlock()
	now := clock.Now()
	a.due = 0
	if now >= a.lookAt {
		a.look(now)
	}
	a.serve(now)
	if len(a.waiters) > 0 {
		a.plan(now, 1)
	}
	a.schedule(now)
}

// schedule sets the timer to when there is something to do.
func (a *Account) schedule(now clock.Nanos) {
	if a.closed {
		return
	}
	at := clock.Nanos(math.MaxInt64)
	if a.left.Load() > 0 {
		at = max(a.lookAt, now+1)
	}
	if len(a.waiters) > 0 {
		turn := a.next
		if a.flight.answered != nil { // its answer serves them, if it comes in time
			turn = max(turn, a.flight.since.Add(Patience), now.Add(Patience))
		}
		if a.local.alone {
			turn = min(max(turn, now.Add(Patience)), now.Add(a.local.wait(now)))
		}
		at = min(at, max(turn, now+1))
	}
	if at == math.MaxInt64 || a.due != 0 && a.due <= at {
		return
	}
	a.due = at
	if a.timer == nil {
		a.timer = time.AfterFunc(at.Sub(now), a.work)
	} else {
		a.timer.Reset(at.Sub(now))
	}
}

func nanoseconds(n float64) time.Duration { return time.Duration(min(n, math.MaxInt64/4)) }

// unlock ends a critical section, and sends what came of it.
func (a *Account) unlock() {
	r := a.request
	a.request = nil
	a.mu.Unlock()
	if r != nil {
		a.Ask(*r)
	}
}

// Close gives back what is held: the request to send, if there is one. No further one
// is made; calls go on with the instance's share.
func (a *Account) Close() (r Request, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return r, false
	}
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
	now := clock.Now()
	left := a.left.Swap(0)
	if left > 0 && int64(now) < a.until.Load() && !a.local.alone {
		a.send(now, 0, left)
		r, ok = *a.request, true
		a.request = nil
	}
	a.over()
	a.local.leave(now, a.demand.since(now))
	return r, ok
}

// Status is what an account knows.
type Status struct {
	Alone bool          // without the store
	Fleet int           // instances that use the limit, as far as is known
	Age   time.Duration // of that knowledge; below 0 where there is none
	Held  int64         // tokens of the lease
}

// Status returns what the account knows now. Asking changes nothing.
func (a *Account) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := clock.Now()
	s := Status{Alone: a.local.alone, Fleet: a.size(), Age: -1}
	if int64(now) < a.until.Load() {
		s.Held = a.left.Load()
	}
	if a.heard != 0 {
		s.Age = now.Sub(a.heard)
	}
	return s
}
