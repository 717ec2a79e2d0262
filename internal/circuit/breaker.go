// Package circuit is a circuit breaker's state: gobreaker is the state machine,
// and on top come a gate that calls pass without a lock while it is closed,
// probes that cannot hang, and modes for operators. It knows outcomes and
// durations, and nothing of whose they are.
package circuit

import (
	"sync"
	"sync/atomic"
	"time"

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

	// OnChange hears of every change of the state that calls meet. It is called
	// under the breaker's lock, which keeps the order, and must not use the
	// breaker; what it last returned is called when the lock is free. It is set,
	// if at all, before the first use.
	OnChange func(from, to State) (unlocked func())

	mu       sync.Mutex // guards all below, and is held at every use of machine
	settings Settings
	machine  *gobreaker.CircuitBreaker[struct{}] // nil until it has something to count
	current  State                               // of the machine
	recovery time.Duration                       // for how long it is open, or was last
	mode     Mode
	last     State       // as OnChange was told
	since    clock.Nanos // when that, or the mode, last changed
	row      uint64      // failures that the gate counted before the mode was changed
	tripped  bool        // set by the machine when it goes from closed to open
	unlocked func()      // what is to be called when the lock is free
	probing
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
	// RecoveryTimeout is how long the breaker stays open when it trips. It doubles
	// with each probing that fails, up to MaxRecovery where that is longer.
	RecoveryTimeout, MaxRecovery time.Duration
	// SuccessThreshold is how many probes are admitted, and must succeed to close.
	SuccessThreshold uint32
	// ProbeTimeout is how long a probe may take before it counts as failed.
	ProbeTimeout time.Duration
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

// Configure gives the breaker its settings. Changed ones start a new count.
func (b *Breaker) Configure(s Settings) {
	b.mu.Lock()
	defer b.unlock()
	if s == b.settings {
		return
	}
	b.settings = s
	b.restart()
	if b.since == 0 {
		b.since = clock.Now()
	}
}

// State returns the state that a call would meet now: an open breaker whose
// recovery timeout has passed is half-open. A disabled breaker is closed.
func (b *Breaker) State() State {
	b.mu.Lock()
	defer b.unlock()
	return b.state()
}

// Closed admits a call to a breaker that is closed. Others are to be asked by
// Admit.
func (b *Breaker) Closed() (p Permit, ok bool) { return b.gate.closed() }

// Admit decides whether a call may pass a breaker that was not closed. Where it
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
	}
	return b.admitProbe(now, least)
}

// Ignores reports whether the success of a call with permit p changes nothing, so
// that it need not be reported.
func (b *Breaker) Ignores(p Permit) bool { return b.gate.ignores(p) }

// Report says how a call ended, once, and returns whether that tripped the
// breaker.
func (b *Breaker) Report(p Permit, o Outcome) (tripped bool) {
	switch {
	case p == NoPermit:
	case p.IsProbe():
		b.mu.Lock()
		defer b.unlock()
		b.endProbe(uint64(p)>>kindBits, o)
	case o == Success:
		if w := b.successes.Load(); b.gate.succeed(p) && w != nil {
			w.add(clock.Now())
		}
	case o == Failure && b.gate.fail(p, b.limit.Load()):
		return b.fail(p)
	}
	return false
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
func (b *Breaker) restart() {
	b.dropProbes()
	b.typical = 0
	b.machine, b.row, b.current = nil, 0, Closed
	if b.limit.Store(uint64(b.settings.FailureThreshold)); b.settings.Window > 0 {
		b.limit.Store(0)
		b.machine = b.newMachine()
	}
	b.successes.Store(newWindow(b.settings))
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
	case b.successes.Load() != nil:
		kind = gateCounting
	default:
		kind, failures = gateHealthy, b.row
	}
	if newEpoch || state != b.last {
		b.gate.set(kind, failures)
	}
	if state != b.last {
		if b.OnChange != nil {
			b.unlocked = b.OnChange(b.last, state)
		}
		b.last, b.since = state, clock.Now()
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
