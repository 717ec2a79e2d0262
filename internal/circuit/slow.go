package circuit

import (
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// timing counts the slow calls of a closed breaker: each once, at the moment at
// which it becomes slow, whether it is still under way or not. So calls that hang
// count before they end, for as long as a window lasts, and no timer and no
// goroutine waits for one: calls that begin at about the same time are counted
// together, and whoever comes by when they are old takes those that are left.
type timing struct {
	epoch   uint64 // of the permits; others belong to another timing
	begins  clock.Nanos
	tick    time.Duration // in which permits count the time
	slow    int64         // ticks that make a call slow
	period  int64         // ticks in which calls begin together
	ripe    uint64        // periods after which a call is slow for sure, at the end of its own as it may have begun
	rate    float64
	least   float64
	window  time.Duration
	checked atomic.Uint64 // the last period whose beginning was noticed
	seen    atomic.Int64  // when a call was last known to be slow

	under    [ringPeriods]atomic.Uint64 // way: how many, by the period in which they began
	all, bad *window                    // calls that ended or became slow, and the slow ones
}

const (
	// finest is the share of SlowCall by which a call that ends may be misjudged.
	// With 32 bits to count in, one of as many times SlowCall comes round.
	finest = 1 << 16
	// slowPeriods are what SlowCall is divided into, unless that is too short.
	slowPeriods = 8
	leastPeriod = time.Millisecond
	ringPeriods = 16 // more than until calls are slow

	underBits = 24 // of how many; the number of the period has the rest
	underMask = 1<<underBits - 1
)

// newTiming returns a timing that begins now, or nil where calls are not timed.
func newTiming(s Settings, epoch uint64) *timing {
	if s.SlowCall <= 0 {
		return nil
	}
	t := &timing{
		epoch: epoch, begins: clock.Now(), tick: max(s.SlowCall/finest, 1),
		rate: s.SlowRate, least: float64(s.MinRequests), window: min(s.SlowWindow, longestWindow),
	}
	t.slow = int64(s.SlowCall / t.tick)
	t.period = max((t.slow+slowPeriods-1)/slowPeriods, int64(leastPeriod/t.tick))
	t.ripe = uint64((t.slow+t.period-1)/t.period) + 1
	t.all, t.bad = newWindow(t.window), newWindow(t.window)
	return t
}

func (t *timing) ticks(now clock.Nanos) int64 { return int64(max(now.Sub(t.begins), 0) / t.tick) }

// number is that of the period of a tick, from 1.
func (t *timing) number(ticks int64) uint64 { return uint64(ticks/t.period) + 1 }

// begin admits a call. Its permit says when it began.
func (t *timing) begin(now clock.Nanos) Permit {
	ticks := t.ticks(now)
	n := t.number(ticks)
	cell := &t.under[n%ringPeriods]
	for {
		was := cell.Load()
		switch held := was >> underBits; {
		case held > n: // a late reading: it counts with those that began later
			n, ticks = held, int64(held-1)*t.period
		case held == n:
			if cell.CompareAndSwap(was, was+1) {
				return t.permit(ticks)
			}
		case cell.CompareAndSwap(was, n<<underBits|1):
			t.count(now, was&underMask)
			return t.permit(ticks)
		}
	}
}

func (t *timing) permit(began int64) Permit {
	return Permit(t.epoch | uint64(uint32(began))<<kindBits | permitTimed)
}

// end counts a call that ends, unless it was counted as slow before. It reports
// whether there is reason to look at what slow calls there are.
func (t *timing) end(p Permit, now clock.Nanos, o Outcome) (look bool) {
	ticks := t.ticks(now)
	took := int64(uint32(ticks) - p.stamp())
	if t.leave(t.number(ticks - took)) {
		switch slow := took >= t.slow; {
		case o == Neutral || o == Abandoned && !slow:
		case slow:
			t.count(now, 1)
		default:
			t.all.add(now, 1)
		}
	}
	due, seen := t.isDue(now), clock.Nanos(t.seen.Load())
	return due || seen != 0 && now.Sub(seen) <= t.window
}

// leave takes a call that began in the n-th period from those under way. It is
// false where that was done, and the call counted as slow.
func (t *timing) leave(n uint64) bool {
	cell := &t.under[n%ringPeriods]
	for {
		was := cell.Load()
		if was>>underBits != n || was&underMask == 0 {
			return false
		}
		if cell.CompareAndSwap(was, was-1) {
			return true
		}
	}
}

// count counts calls that have become slow.
func (t *timing) count(now clock.Nanos, n uint64) {
	if n > 0 {
		t.seen.Store(int64(now))
		t.all.add(now, n)
		t.bad.add(now, n)
	}
}

// isDue reports, once in each period, that it has begun, and counts the calls
// under way that are slow by now.
func (t *timing) isDue(now clock.Nanos) bool {
	n, checked := t.number(t.ticks(now)), t.checked.Load()
	if n <= checked || !t.checked.CompareAndSwap(checked, n) {
		return false
	}
	for i := range t.under {
		cell := &t.under[i]
		was := cell.Load()
		for was>>underBits+t.ripe <= n && was&underMask > 0 {
			if cell.CompareAndSwap(was, was&^underMask) {
				t.count(now, was&underMask)
			}
			was = cell.Load()
		}
	}
	return true
}

// isExceeded reports whether too many calls are slow.
func (t *timing) isExceeded(now clock.Nanos) bool {
	bad := float64(t.bad.count(now)) // first: all are never fewer
	all := float64(t.all.count(now))
	return bad > 0 && all >= t.least && bad >= t.rate*all
}

// Overdue looks at calls under way that are slow by now, and reports whether they
// trip the breaker. It is asked before Admit.
func (b *Breaker) Overdue(now clock.Nanos) (tripped bool) {
	t := b.timing.Load()
	return t != nil && t.isDue(now) && b.tripSlow(t, now)
}

// reportTimed is the rest of Report for a call that was timed.
func (b *Breaker) reportTimed(p Permit, o Outcome) Trip {
	t, now := b.timing.Load(), clock.Now()
	if t != nil && p.of(t.epoch) && t.end(p, now, o) && b.tripSlow(t, now) {
		return TooSlow
	}
	return NoTrip
}

// tripSlow opens the breaker if too many calls are slow.
func (b *Breaker) tripSlow(t *timing, now clock.Nanos) (tripped bool) {
	if !t.isExceeded(now) {
		return false
	}
	b.mu.Lock()
	defer b.unlock()
	if b.timing.Load() != t { // it has tripped, or somebody else decides
		return false
	}
	b.tooSlow = true
	b.feed(Failure) // to the state machine, one more failure says it
	b.tooSlow = false
	return b.tripped
}
