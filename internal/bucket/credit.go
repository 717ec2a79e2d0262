package bucket

import (
	"math"
	"sync/atomic"

	"github.com/cladgo/clad/internal/clock"
)

// credit lets calls take tokens of a bucket without a lock: from when the bucket
// was full until it has none left. It only ever says yes; the bucket itself,
// which is told of what was taken before it is asked again, says no.
//
// The bucket is held in one number: how many tokens had come since a certain
// time when those in it began to come. What it holds is what has come since
// then, up to the burst; a token that is taken moves that beginning on by one.
// That is the arithmetic of golang.org/x/time/rate, which keeps the tokens and
// the time that they were counted at instead, two numbers and so a mutex.
type credit struct {
	since clock.Nanos
	rate  float64       // tokens per nanosecond
	burst float64       // without those that are lent
	keep  float64       // of them, those that are to be asked for
	lent  *lent         // nil while few meet here
	used  atomic.Uint64 // the number, as a float64; closed when it is infinite
	met   meetings
}

const (
	// mostTokens is how many a credit counts to. Further up, fractions would be
	// too coarse, and at last a token would no longer count.
	mostTokens = 1 << 36
	// rounding is a fraction of a token that may come of it.
	rounding = 1. / (1 << 15)
)

var closedCredit = math.Float64bits(math.Inf(1))

func newCredit(now clock.Nanos, s Settings) *credit {
	c := &credit{since: now, rate: s.PerSecond / 1e9, burst: float64(s.Burst), keep: float64(s.Reserve)}
	c.used.Store(closedCredit)
	return c
}

// come returns how many tokens have come since the beginning.
func (c *credit) come(now clock.Nanos) float64 { return float64(now-c.since) * c.rate }

// fits reports whether the credit can count from now on for a second at least.
func (c *credit) fits(now clock.Nanos) bool {
	return c.burst <= mostTokens && c.come(now)+c.rate*1e9 <= mostTokens
}

// open takes over a bucket that is full.
func (c *credit) open(now clock.Nanos) { c.used.Store(math.Float64bits(c.come(now) - c.burst)) }

// close ends the credit, and returns how many tokens are missing in the bucket
// now; it is false if the credit was closed before.
func (c *credit) close(now clock.Nanos) (missing float64, ok bool) {
	used := c.used.Swap(closedCredit)
	if used == closedCredit {
		return 0, false
	}
	return max(0, c.burst-c.left(used, now)+float64(c.lent.end())), true
}

// tokens returns how many tokens there are now, or false if it is the bucket
// that knows.
func (c *credit) tokens(now clock.Nanos) (n float64, ok bool) {
	used := c.used.Load()
	return c.left(used, now) + float64(c.lent.left()), used != closedCredit
}

func (c *credit) left(used uint64, now clock.Nanos) float64 {
	return min(c.burst, max(0, c.come(now)-math.Float64frombits(used)))
}

// take takes n tokens if they are there for sure, and leaves so many. It also
// reports whether it met another that did so at the same time.
func (c *credit) take(now clock.Nanos, n, leave float64) (ok, met bool) {
	come := c.come(now)
	if come > mostTokens {
		return false, false
	}
	for {
		was := c.used.Load()
		used := math.Float64frombits(was)
		if full := come - c.burst; used < full {
			used = full
		}
		if used += n; used+leave > come+rounding {
			return false, met
		}
		if c.used.CompareAndSwap(was, math.Float64bits(used)) {
			return true, met
		}
		met = true
	}
}

// giveBack returns n tokens, if the credit is open. What that makes more than the
// burst is cut off wherever the number is read.
func (c *credit) giveBack(n float64) bool {
	for {
		was := c.used.Load()
		if was == closedCredit {
			return false
		}
		if c.used.CompareAndSwap(was, math.Float64bits(math.Float64frombits(was)-n)) {
			return true
		}
	}
}
