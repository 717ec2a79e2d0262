// Package clock reads the monotonic clock once, cheaply. A reading is a plain
// number, so that a call can share it among its layers; it costs about half of
// time.Now, which reads the wall clock too.
package clock

import (
	"math"
	"time"
)

// base anchors all readings of the process: far enough in the past that none is
// zero or negative, also in a testing/synctest bubble, where it is the year 2000
// and the clock has no monotonic part.
var base = time.Now().Add(-60 * 365 * 24 * time.Hour)

// Nanos is a reading of the monotonic clock: nanoseconds since some moment long
// before the process started, always positive. Zero stands for "not read".
type Nanos int64

// Now reads the clock.
func Now() Nanos { return Nanos(time.Since(base)) }

// Time turns a reading into a time with a monotonic part: fit to be compared
// with others and handed to timers; its wall part misses what changed the wall
// clock since the process started.
func (n Nanos) Time() time.Time { return base.Add(time.Duration(n)) }

// At returns the reading that t has, had or will have. A time without a monotonic
// part, a deadline that came over the network perhaps, is one of the wall clock,
// and is as far away as that says now: it may have been set since the process
// started.
func At(t time.Time) Nanos {
	if t == t.Round(0) { // it has nothing to strip
		now := time.Now()
		return Nanos(now.Sub(base)).Add(t.Sub(now))
	}
	return Nanos(t.Sub(base))
}

// Add returns the reading d later, or the last there is.
func (n Nanos) Add(d time.Duration) Nanos {
	if d > 0 && n > math.MaxInt64-Nanos(d) {
		return math.MaxInt64
	}
	return n + Nanos(d)
}

// Sub returns the time from m to n.
func (n Nanos) Sub(m Nanos) time.Duration { return time.Duration(n - m) }

// Wall turns a reading into a time whose wall part is right at this moment.
func (n Nanos) Wall() time.Time {
	now := time.Now()
	return now.Add(n.Sub(At(now)))
}
