package lease

import (
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// demand is how many tokens an instance would use.
type demand struct {
	refused atomic.Int64 // calls that got none, since it was last measured
	rate    float64      // per nanosecond, of late
	at      clock.Nanos  // when it was last measured
	put     int64        // tokens that were left then, and those that came since
	last    clock.Nanos  // when one was last used; 0 if none ever was
	known   int64        // of those used since it was last measured, it is known when
	target  int64        // how many the lease was to have when the store was last asked
}

// shortest is the shortest time that says how many tokens are used in it.
const shortest = 20 * time.Millisecond

func (d *demand) used(now clock.Nanos) { d.last, d.known = now, d.known+1 }

// measure sees how many tokens were used, from how many are left, and returns how
// many will be within the horizon.
func (d *demand) measure(now clock.Nanos, left int64) (target int64) {
	used := max(d.put-left, 0)
	if used > d.known { // others may have been used just now
		d.last = max(d.last, now)
	}
	if left == 0 && used > 0 {
		// It ran out: nobody knows how many more would have been used.
		target = 2 * d.target
	}
	if passed := now.Sub(d.at); passed >= shortest {
		wanted := float64(used + d.refused.Swap(0))
		d.rate = (d.rate + wanted/float64(passed)) / 2
		d.put, d.at, d.known = left, now, 0
	} else {
		target = max(target, d.target)
	}
	return max(target, int64(d.rate*float64(Horizon)))
}

// since is for how long no token was used.
func (d *demand) since(now clock.Nanos) time.Duration { return now.Sub(d.last) }
