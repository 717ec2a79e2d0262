// Package circuit is a circuit breaker's state: gobreaker is the state machine,
// and on top come a gate that calls pass without a lock while it is closed,
// probes that cannot hang, and modes for operators. It knows outcomes and
// durations, and nothing of whose they are.
package circuit

import (
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/cladgo/clad/internal/clock"
	"github.com/sony/gobreaker/v2"
)

// Breaker is a circuit breaker. It is configured before its first use, and is
// then safe for use by many goroutines.
type Breaker struct {
	gate gate
	// limit is how many failures in a row trip the breaker, where the gate
	// counts them; 0 where the machine counts all in a window.
	limit atomic.Uint64
	// reopens is when an open breaker admits its next probe.
	reopens atomic.Int64
	// successes counts them where a share of failures is reckoned; else nil.
	successes atomic.Pointer[window]
	// timing counts slow calls, and ramp lets calls in gradually; else they are nil.
	timing atomic.Pointer[timing]
	ramp   atomic.Pointer[ramp]

	// OnChange hears of every change of the state that calls meet. It is called
	// under the breaker's lock, which keeps the order, and must not use the
	// breaker; what it last returned is called when the lock is free. Those that
	// Open and Close make are imposed. It is set, if at all, before the first use.
	OnChange func(from, to State, imposed bool) (unlocked func())

	mu       sync.Mutex                          // guards all below, and is held at every use of machine
	given    unique.Handle[Settings]             // held once for all breakers that have equal ones
	machine  *gobreaker.CircuitBreaker[struct{}] // nil until it has something to count
	current  State                               // of the machine
	recovery time.Duration                       // for how long it is open, or was last
	mode     Mode
	last     State       // as OnChange was told
	since    clock.Nanos // when that, or the mode, last changed
	row      uint64      // failures that the gate counted before the mode was changed
	tripped  bool        // set by the machine when it goes from closed to open
	tooSlow  bool        // it is to trip for slow calls
	imposed  bool        // the change is others'
	unlocked func()      // what is to be called when the lock is free
	*probing             // nil until there is a machine, without which there are no probes
}

// Settings say when a breaker opens and closes. None has a default.
type Settings struct {
	// FailureThreshold is the number of failures that trips: in a row, or within
	// Window where there is one. 0 is no such rule.
	FailureThreshold uint32
	// FailureRate trips on the share of failures within Window, from MinRequests
	// on. 0 is no such rule.
	FailureRate float64
	MinRequests uint32
	Window      time.Duration // rolling; 0 where failures count in a row
	// RecoveryTimeout is how long the breaker stays open when it trips. It grows
	// by a quarter with each probing that fails, up to MaxRecovery where that is
	// longer.
	RecoveryTimeout, MaxRecovery time.Duration
	// SuccessThreshold is how many probes are admitted, and must succeed to close.
	SuccessThreshold uint32
	// ProbeTimeout is how long a probe may take before it counts as failed.
	ProbeTimeout time.Duration

	// All of these may change without a new count.

	// SlowCall is how long a call takes that is slow. Where at least SlowRate of
	// those within SlowWindow are, of MinRequests or more, the breaker trips; a
	// probe that is slow has failed. 0 is no such rule.
	SlowCall, SlowWindow time.Duration
	SlowRate             float64
	// RecoveryJitter is by up to which share of it the breaker is open for longer.
	RecoveryJitter float64
	// Ramp is how long calls are let in gradually after probes have closed it.
	Ramp time.Duration
}

// counting are the settings that a count depends on.
func (s Settings) counting() Settings {
	s.SlowCall, s.SlowWindow, s.SlowRate, s.RecoveryJitter, s.Ramp = 0, 0, 0, 0, 0
	return s
}

// State is what a call meets.
type State uint8

// The states of a breaker.
const (
	Closed State = iota
	HalfOpen
	Open
)

// Outcome is what a call that was admitted means to the breaker.
type Outcome uint8

// The outcomes of calls.
const (
	Success Outcome = iota
	Failure
	Neutral   // says nothing about the dependency, which perhaps was not asked
	Abandoned // was left by its caller before it said anything
)

// Trip says what opened a breaker.
type Trip uint8

// What opens breakers.
const (
	NoTrip  Trip = iota // nothing: it is as it was
	Failing             // failures
	TooSlow             // calls that are slow
)

// Configure gives the breaker its settings. Changed ones start a new count, but for
// those of which they say otherwise.
func (b *Breaker) Configure(s Settings) {
	b.mu.Lock()
	defer b.unlock()
	first := b.since == 0
	var was Settings
	if !first {
		was = b.settings()
	}
	b.given = unique.Make(s)
	switch {
	case first:
		b.restart()
		b.since = clock.Now()
	case s.counting() != was.counting():
		b.restart()
	case s.SlowCall != was.SlowCall || s.SlowWindow != was.SlowWindow || s.SlowRate != was.SlowRate:
		b.keepRow()
		b.publish(true)
	}
}

func (b *Breaker) settings() Settings { return b.given.Value() }

// State returns the state that a call would meet now: an open breaker whose
// recovery timeout has passed is half-open. A disabled breaker is closed.
func (b *Breaker) State() State {
	b.mu.Lock()
	defer b.unlock()
	return b.state()
}

// Closed admits a call to a breaker that is closed and has nothing to ask. Others
// are to be asked by Admit.
func (b *Breaker) Closed() (p Permit, ok bool) { return b.gate.passes() }

// Admit decides whether a call may pass a breaker that was not Closed. Where it
// may not, wait is the time to the next probe, 0 where that is unknown. As a probe
// it may take the settings' ProbeTimeout, and at least as long as given here.
func (b *Breaker) Admit(now clock.Nanos, least time.Duration) (p Permit, wait time.Duration, ok bool) {
	switch b.gate.Load() & kindMask {
	case gateDisabled:
		return NoPermit, 0, true
	case gateForced:
		return NoPermit, 0, false
	case gateOpen:
		if wait := clock.Nanos(b.reopens.Load()).Sub(now); wait > 0 {
			return NoPermit, wait, false
		}
	case gateAsking:
		r := b.ramp.Load()
		if left := r.left(now); left > 0 && !r.admits(left) {
			return NoPermit, left, false
		} else if left == 0 && r != nil {
			b.endRamp()
		}
		if t := b.timing.Load(); t != nil {
			return t.begin(now), 0, true
		}
		if p, ok := b.gate.closed(); ok {
			return p, 0, true
		}
	}
	return b.admitProbe(now, least)
}

// Ignores reports whether the success of a call with permit p changes nothing, so
// that it need not be reported.
func (b *Breaker) Ignores(p Permit) bool { return b.gate.ignores(p) }

// Report says how a call ended, once, and returns whether that tripped the
// breaker.
func (b *Breaker) Report(p Permit, o Outcome) Trip {
	switch {
	case p == NoPermit:
		return NoTrip
	case p.IsProbe():
		b.mu.Lock()
		defer b.unlock()
		b.endProbe(uint64(p)>>kindBits, o)
		return NoTrip
	case o == Success:
		if w := b.successes.Load(); b.gate.succeed(p) && w != nil {
			w.add(clock.Now(), 1)
		}
	case o == Failure && b.gate.fail(p, b.limit.Load()):
		if b.fail(p) {
			return Failing
		}
	}
	if p.isTimed() {
		return b.reportTimed(p, o)
	}
	return NoTrip
}

// fail has the machine count a failure that the gate does not, or that made a
// row as long as the limit.
func (b *Breaker) fail(p Permit) (tripped bool) {
	b.mu.Lock()
	defer b.unlock()
	// A success may have come between, or another failure that tripped it.
	if !b.gate.fail(p, b.limit.Load()) {
		return false
	}
	b.feed(Failure)
	return b.tripped
}

// restart closes the breaker and forgets its machine: gobreaker has no reset. The
// next one is made when there is something to count, which few breakers ever
// have; one with a window, whose parts are laid out from now on, at once.
func (b *Breaker) restart() { b.reset(nil) }

func (b *Breaker) reset(r *ramp) {
	b.dropProbes()
	if b.probing != nil {
		b.typical = 0
	}
	b.machine, b.row, b.current = nil, 0, Closed
	if b.limit.Store(uint64(b.settings().FailureThreshold)); b.settings().Window > 0 {
		b.limit.Store(0)
		b.machine = b.newMachine()
	}
	b.successes.Store(newSuccesses(b.settings()))
	b.ramp.Store(r)
	b.publish(true)
}

// publish sets the gate to what the breaker is now. A change of state, or of
// who decides, begins a new epoch; results from before it are dropped.
func (b *Breaker) publish(newEpoch bool) {
	state := b.current
	var kind, failures uint64
	switch {
	case b.mode == ForcedOpen:
		kind, state = gateForced, Open
	case b.mode == Disabled:
		kind, state = gateDisabled, Closed
	case state == Open:
		kind = gateOpen
	case state == HalfOpen:
		kind = gateHalfOpen
	default:
		if kind = b.closedKind(); kind != gateCounting {
			failures = b.row
		}
	}
	if newEpoch || state != b.last {
		epoch := b.gate.nextEpoch()
		b.timing.Store(nil)
		if kind == gateAsking {
			b.timing.Store(newTiming(b.settings(), epoch))
		}
		b.gate.Store(epoch | failures<<kindBits | kind)
	}
	if state != b.last {
		if b.OnChange != nil {
			b.unlocked = b.OnChange(b.last, state, b.imposed)
		}
		b.last, b.since = state, clock.Now()
	}
}

// closedKind is that of the gate while the breaker is closed.
func (b *Breaker) closedKind() uint64 {
	switch {
	case b.settings().SlowCall > 0, b.ramp.Load() != nil:
		return gateAsking
	case b.successes.Load() != nil:
		return gateCounting
	}
	return gateHealthy
}

// keepRow notes the failures that the gate has counted, for the next epoch.
func (b *Breaker) keepRow() {
	if b.mode == Automatic {
		b.row = inARow(b.gate.Load())
	}
}

// unlock ends every critical section: what happened in it is told outside.
func (b *Breaker) unlock() {
	unlocked := b.unlocked
	b.unlocked = nil
	b.mu.Unlock()
	if unlocked != nil {
		unlocked()
	}
}
