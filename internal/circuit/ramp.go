package circuit

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// ramp lets calls in gradually after a breaker has closed: a tenth of them at
// first, and all of them at its end.
type ramp struct {
	begins clock.Nanos
	over   time.Duration
	asked  atomic.Uint64
}

// rampFloor is the share of calls that a ramp begins with.
const rampFloor = 0.1

// newRamp returns a ramp that begins now, or nil where there is none.
func newRamp(over time.Duration) *ramp {
	if over <= 0 {
		return nil
	}
	return &ramp{begins: clock.Now(), over: over}
}

// left is how long the ramp goes on. A nil ramp is over.
func (r *ramp) left(now clock.Nanos) time.Duration {
	if r == nil {
		return 0
	}
	return max(r.over-now.Sub(r.begins), 0)
}

// admits reports whether a call is among those that are let in with so much time
// left. Steps of the golden ratio hit every share as evenly as can be, and fall in
// with no rhythm of the callers.
func (r *ramp) admits(left time.Duration) bool {
	passed := 1 - float64(left)/float64(r.over)
	step := (r.asked.Add(1) - 1) * 0x9e3779b97f4a7c15 // 2^64 over the golden ratio
	return float64(step) < (rampFloor+(1-rampFloor)*passed)*math.MaxUint64
}

// endRamp has calls no longer ask, where there is nothing else to ask for.
func (b *Breaker) endRamp() {
	b.mu.Lock()
	defer b.unlock()
	if r := b.ramp.Load(); r != nil && r.left(clock.Now()) == 0 {
		b.ramp.Store(nil)
		b.gate.exchange(gateAsking, b.closedKind())
	}
}
