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
	gateAsking              // closed, but calls are timed, or let in gradually
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
	permitCall  = gateHealthy  // over the epoch: as the gate is, if nothing has failed
	permitTimed = kindMask - 1 // over when it began, over the epoch
	permitProbe = kindMask     // over the probe's id
)

// IsProbe reports whether the permit is that of a probe.
func (p Permit) IsProbe() bool { return p&kindMask == permitProbe }

// isTimed reports whether the permit says when the call began, and stamp when.
func (p Permit) isTimed() bool { return p&kindMask == permitTimed }
func (p Permit) stamp() uint32 { return uint32(p >> kindBits) }

// passes admits a call to a closed breaker where it need not ask.
func (g *gate) passes() (p Permit, ok bool) {
	now := g.Load()
	return Permit(now&epochMask | permitCall), now&kindMask <= gateCounting
}

// closed admits a call to a closed breaker that has nothing to ask for any more.
func (g *gate) closed() (p Permit, ok bool) {
	now := g.Load()
	return Permit(now&epochMask | permitCall), now&kindMask <= gateAsking
}

// ignores reports whether the success of a call with permit p changes nothing.
func (g *gate) ignores(p Permit) bool { return g.Load() == uint64(p) }

// of reports whether a call with permit p belongs to the epoch of a gate: results
// of another are dropped, as that was another time.
func (p Permit) of(now uint64) bool { return now&epochMask == uint64(p)&epochMask }

// inARow returns the failures in a row.
func inARow(now uint64) uint64 { return now &^ epochMask >> kindBits }

// succeed ends a row of failures. It reports whether the success counts.
func (g *gate) succeed(p Permit) (counts bool) {
	for {
		now := g.Load()
		if !p.of(now) {
			return false
		}
		if inARow(now) == 0 || g.CompareAndSwap(now, now&(epochMask|kindMask)) {
			return true
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

// nextEpoch is the one that follows.
func (g *gate) nextEpoch() uint64 { return g.Load()&epochMask + 1<<(64-epochBits) }

// exchange makes a gate of one kind one of another, in the same epoch.
func (g *gate) exchange(from, to uint64) {
	for {
		now := g.Load()
		if now&kindMask != from || g.CompareAndSwap(now, now&^kindMask|to) {
			return
		}
	}
}
