package bench

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// Part is something that a call is made of, on its own: what no wrapper that
// does this work can be faster than.
type Part struct {
	Name  string
	Title string
	run   func(n int)
}

// ID names the part: "part/defer".
func (p Part) ID() string { return "part/" + p.Name }

// Run does it n times.
func (p Part) Run(n int) error {
	p.run(n)
	return nil
}

// Parts lists what a call may be made of.
func Parts() []Part {
	var (
		counter atomic.Uint64
		mu      sync.Mutex
		rw      sync.RWMutex
		base    = time.Now()
		bucket  = rate.NewLimiter(1000, settings().Burst)
		at      = time.Now()
		small   *[4]uint64 // what is kept here is on the heap
		medium  *[6]uint64
	)
	return []Part{
		{"monotonic-clock", "reading the monotonic clock alone", func(n int) {
			for range n {
				runtime.KeepAlive(time.Since(base))
			}
		}},
		{"token", "taking a token from golang.org/x/time/rate, its clock not counted", func(n int) {
			for range n {
				at = at.Add(time.Microsecond)
				bucket.AllowN(at, 1)
			}
		}},
		{"allocation-32", "allocating 32 bytes", func(n int) {
			for range n {
				small = new([4]uint64)
			}
			runtime.KeepAlive(small)
		}},
		{"allocation-48", "allocating 48 bytes", func(n int) {
			for range n {
				medium = new([6]uint64)
			}
			runtime.KeepAlive(medium)
		}},
		{"atomic-add", "one atomic addition", func(n int) {
			for range n {
				counter.Add(1)
			}
		}},
		{"mutex", "locking and unlocking a mutex", func(n int) {
			for range n {
				mu.Lock()
				mu.Unlock() //nolint:staticcheck // nothing is guarded: the lock itself is timed
			}
		}},
		{"rwmutex", "locking and unlocking a sync.RWMutex for reading", func(n int) {
			for range n {
				rw.RLock()
				rw.RUnlock() //nolint:staticcheck // nothing is guarded: the lock itself is timed
			}
		}},
	}
}
