package circuit

import "sync/atomic"

// gate is what calls ask and tell a breaker without its lock: one word, of an
// epoch that grows with every change of state, the failures in a row, and what
// kind of gate it is.
type gate struct{ atomic.Uint64 }

// The kinds of gates.
const (
	gateHealthy  = iota + 1 // closed
	gateCounting            // closed, and successes are counted in a window
	gateOpen                // open until reopens
	gateHalfOpen            // probes only
	gateForced              // forced open
	gateDisabled            // everything passes, nothing counts
)

const (
	kindBits  = 4
	kindMask  = 1<<kindBits - 1
	epochBits = 28 // failures have what is left: 32, as FailureThreshold
	epochMask = (1<<epochBits - 1) << (64 - epochBits)
	oneInARow = 1 << kindBits
)

// Permit says under what a call was admitted: the epoch of a closed breaker, the
// id of a probe, or nothing where the outcome does not matter.
type Permit uint64

// NoPermit is that of a call whose outcome does not matter.
const NoPermit Permit = 0

const (
	permitCall  = gateHealthy // over the epoch: as the gate is, if nothing has failed
	permitProbe = kindMask    // over the probe's id
)

// IsProbe reports whether the permit is that of a probe.
func (p Permit) IsProbe() bool { return p&kindMask == permitProbe }

// closed admits a call to a closed breaker.
func (g *gate) closed() (p Permit, ok bool) {
	now := g.Load()
	return Permit(now&epochMask | permitCall), now&kindMask <= gateCounting
}

// ignores reports whether the success of a call with permit p changes nothing.
func (g *gate) ignores(p Permit) bool { return g.Load() == uint64(p) }

// of reports whether a call with permit p belongs to the epoch of a gate: results
// of another are dropped, as that was another time.
func (p Permit) of(now uint64) bool { return now&epochMask == uint64(p)&epochMask }

// inARow returns the failures in a row.
func inARow(now uint64) uint64 { return now &^ epochMask >> kindBits }

// succeed ends a row of failures. It reports whether there is a window to count
// the success in.
func (g *gate) succeed(p Permit) (counting bool) {
	for {
		now := g.Load()
		if !p.of(now) {
			return false
		}
		if now&kindMask != gateHealthy {
			return now&kindMask == gateCounting
		}
		if now == uint64(p) || g.CompareAndSwap(now, uint64(p)) {
			return false
		}
	}
}

// fail adds to a row of failures, or reports that this one makes it as long as the
// limit.
func (g *gate) fail(p Permit, limit uint64) (reached bool) {
	for {
		now := g.Load()
		if !p.of(now) {
			return false
		}
		if inARow(now)+1 >= limit {
			return true
		}
		if g.CompareAndSwap(now, now+oneInARow) {
			return false
		}
	}
}

// set begins a new epoch.
func (g *gate) set(kind, failures uint64) {
	epoch := g.Load()&epochMask + 1<<(64-epochBits)
	g.Store(epoch | failures<<kindBits | kind)
}
