// Package clock reads the monotonic clock once, cheaply. A reading is a plain
// number, so that a call can share it among its layers; it costs about half of
// time.Now, which reads the wall clock too.
package clock

import "time"

// base anchors all readings of the process, a little in its past so that none
// of them is zero.
var base = time.Now().Add(-1)

// Nanos is a reading of the monotonic clock: nanoseconds since the process
// started. Zero stands for "not read".
type Nanos int64

// Now reads the clock. It is never zero.
func Now() Nanos { return Nanos(time.Since(base)) }

// Time turns a reading into a time with a monotonic part: fit to be compared
// with others and handed to timers; its wall part misses what changed the wall
// clock since the process started.
func (n Nanos) Time() time.Time { return base.Add(time.Duration(n)) }

// At returns the reading that t has, had or will have.
func At(t time.Time) Nanos { return Nanos(t.Sub(base)) }

// Add returns the reading d later.
func (n Nanos) Add(d time.Duration) Nanos { return n + Nanos(d) }

// Sub returns the time from m to n.
func (n Nanos) Sub(m Nanos) time.Duration { return time.Duration(n - m) }

// Wall turns a reading into a time whose wall part is right at this moment.
func (n Nanos) Wall() time.Time {
	now := time.Now()
	return now.Add(n.Sub(At(now)))
}
