package container

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
	"github.com/sony/gobreaker/v2"
)

// CircuitBreaker is a circuit breaker of an orchestrator. gobreaker is its state
// machine; on top come probes that cannot hang, controls, and a way for healthy
// calls to pass without a lock. It is safe for use by many goroutines.
type CircuitBreaker struct {
	name        string
	transitions *transitions

	// gate tells a call what to do without taking the lock: an epoch that
	// grows with every change of state, over one of the gate values.
	gate atomic.Uint64
	// reopens is when an open breaker admits its next probe.
	reopens atomic.Int64
	// successes counts them where a share of failures is reckoned; else nil.
	successes atomic.Pointer[window]

	mu      sync.Mutex // guards all below, and is held at every use of machine
	spec    policy.CircuitBreaker
	machine *gobreaker.CircuitBreaker[struct{}] // nil until the first failure
	current policy.State                        // of the machine
	mode    mode
	last    policy.State // as the transitions have told it
	failing bool         // the last outcome that the machine was told of was a failure
	probes  []probe
	probeID uint64
	tripped bool // set by the machine when it goes from closed to open
	changed bool // there is a transition to be told
}

// The gates, in the low bits of CircuitBreaker.gate.
const (
	gateHealthy  = iota + 1 // closed, and a success would change nothing
	gateCounting            // closed, and a success is counted beside the machine
	gateClosed              // closed, with failures in a row that a success would end
	gateOpen                // open until reopens
	gateHalfOpen            // probes only
	gateForced              // forced open
	gateDisabled            // everything passes, nothing counts
	gateBits     = 4
	gateMask     = 1<<gateBits - 1
)

// mode is who decides: the state machine, or an operator.
type mode int

const (
	automatic mode = iota
	forcedOpen
	disabled
)

// A permit says under what a call was admitted: the epoch of a closed breaker,
// the id of a probe, or nothing where the outcome does not matter.
type permit uint64

const (
	permitNone  = 0
	permitCall  = gateHealthy // over the epoch: as the gate, if that is healthy still
	permitProbe = gateMask    // over the probe's id
)

// outcome is what a call means to a breaker.
type outcome int

const (
	success outcome = iota
	failure
	neutral // says nothing about the dependency
)

func newCircuitBreaker(name string, spec policy.CircuitBreaker, t *transitions) *CircuitBreaker {
	b := &CircuitBreaker{name: name, transitions: t}
	b.configure(spec)
	return b
}

// Name returns the breaker's name: its own, or the service or operation that it
// belongs to.
func (b *CircuitBreaker) Name() string { return b.name }

// State returns the state that a call would meet now: an open breaker whose
// recovery timeout has passed is half-open. A disabled breaker is closed.
func (b *CircuitBreaker) State() policy.State {
	b.mu.Lock()
	defer b.unlock()
	return b.state()
}

// ForceOpen rejects every call until [CircuitBreaker.Automatic] or
// [CircuitBreaker.Reset].
func (b *CircuitBreaker) ForceOpen() { b.setMode(forcedOpen) }

// Disable lets every call pass, and counts nothing, until
// [CircuitBreaker.Automatic] or [CircuitBreaker.Reset].
func (b *CircuitBreaker) Disable() { b.setMode(disabled) }

// Automatic gives the breaker back to its state machine, in the state that it
// was in before it was forced open or disabled.
func (b *CircuitBreaker) Automatic() { b.setMode(automatic) }

// Reset closes the breaker, forgets what it counted, and makes it automatic.
func (b *CircuitBreaker) Reset() {
	b.mu.Lock()
	defer b.unlock()
	b.mode = automatic
	b.restart()
}

func (b *CircuitBreaker) setMode(m mode) {
	b.mu.Lock()
	defer b.unlock()
	if b.mode == m {
		return
	}
	b.mode = m
	b.dropProbes()
	b.publish(true)
}

// configure takes new settings. Changed ones start a new count.
func (b *CircuitBreaker) configure(spec policy.CircuitBreaker) {
	b.mu.Lock()
	defer b.unlock()
	spec = spec.WithDefaults()
	spec.Name = b.name
	if spec == b.spec {
		return
	}
	b.spec = spec
	b.restart()
}

// restart closes the breaker and forgets its machine: gobreaker has no reset. The
// next one is made when there is something to count, which few breakers ever
// have; one with a window, whose parts are laid out from now on, at once.
func (b *CircuitBreaker) restart() {
	b.dropProbes()
	b.machine, b.failing = nil, false
	if b.spec.Window > 0 {
		b.machine = gobreaker.NewCircuitBreaker[struct{}](b.settings())
	}
	b.current = policy.StateClosed
	b.successes.Store(newWindow(b.spec))
	b.publish(true)
}

func (b *CircuitBreaker) settings() gobreaker.Settings {
	spec := b.spec
	recovery := max(spec.RecoveryTimeout, 2) // less 1 is 0, which means a minute to gobreaker
	s := gobreaker.Settings{
		Name:        b.name,
		MaxRequests: spec.SuccessThreshold,
		// gobreaker opens up strictly after its timeout; ours is when the
		// next call may pass, so whoever waits RetryAfter is let in.
		Timeout:     recovery - 1,
		ReadyToTrip: b.shouldTrip,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			b.dropProbes()
			b.current = stateOf[to]
			b.successes.Store(newWindow(spec))
			b.tripped = from == gobreaker.StateClosed
			if to == gobreaker.StateOpen {
				b.reopens.Store(int64(clock.Now().Add(recovery)))
			}
		},
	}
	if spec.Window > 0 {
		s.Interval = min(spec.Window, longestWindow)
		s.BucketPeriod = bucketPeriod(s.Interval)
	}
	return s
}

// shouldTrip is gobreaker's question at every failure. In a share of failures,
// requests that are neither success nor failure don't count.
func (b *CircuitBreaker) shouldTrip(c gobreaker.Counts) bool {
	spec := &b.spec
	if spec.Window == 0 {
		return c.ConsecutiveFailures >= spec.FailureThreshold
	}
	if spec.FailureThreshold > 0 && c.TotalFailures >= spec.FailureThreshold {
		return true
	}
	if spec.FailureRate == 0 {
		return false
	}
	all := float64(c.TotalFailures) + float64(b.successes.Load().count(clock.Now()))
	return all >= float64(spec.MinRequests) && float64(c.TotalFailures) >= spec.FailureRate*all
}

// closed admits a call to a closed breaker, without a lock or a clock.
func (b *CircuitBreaker) closed() (p permit, ok bool) {
	gate := b.gate.Load()
	return permit(gate&^gateMask | permitCall), gate&gateMask <= gateClosed
}

// admit decides whether a call may pass a breaker that was not closed. Where it
// may not, wait is the time to the next probe, 0 where that is unknown.
func (b *CircuitBreaker) admit(now clock.Nanos) (p permit, wait time.Duration, ok bool) {
	switch b.gate.Load() & gateMask {
	case gateDisabled:
		return permitNone, 0, true
	case gateForced:
		return permitNone, 0, false
	case gateOpen:
		if wait := clock.Nanos(b.reopens.Load()).Sub(now); wait > 0 {
			return permitNone, wait, false
		}
	}
	return b.admitProbe(now)
}

// ignores reports whether the success of a call with permit p changes nothing.
func (b *CircuitBreaker) ignores(p permit) bool { return b.gate.Load() == uint64(p) }

// counts counts the success of a call with permit p if that is all there is to it.
func (b *CircuitBreaker) counts(p permit) bool {
	if p&gateMask != permitCall || b.gate.Load() != uint64(p)-permitCall+gateCounting {
		return false
	}
	if w := b.successes.Load(); w != nil {
		w.add(clock.Now())
	}
	return true
}

// report tells the breaker how a call ended, and returns whether that tripped it.
func (b *CircuitBreaker) report(p permit, o outcome) (tripped bool) {
	if p == permitNone || o == success && (b.ignores(p) || b.counts(p)) {
		return false
	}
	b.lock()
	defer b.unlock()
	if p&gateMask == permitProbe {
		b.endProbe(uint64(p)>>gateBits, o)
		return false
	}
	if b.gate.Load()&^gateMask != uint64(p)&^gateMask {
		return false // it began before the last change of state: that was another time
	}
	b.feed(o)
	return b.tripped
}

// feed books an outcome as an instant request of the state machine: one that
// began and ended now. What began earlier was held back by its permit.
func (b *CircuitBreaker) feed(o outcome) {
	b.tripped = false
	if b.machine == nil {
		if o != failure {
			return
		}
		b.machine = gobreaker.NewCircuitBreaker[struct{}](b.settings())
	}
	switch o {
	case success:
		_, _ = b.machine.Execute(succeed)
		b.failing = false
	case failure:
		_, _ = b.machine.Execute(fail)
		b.failing = true
	case neutral:
	}
	b.publish(false)
}

func succeed() (struct{}, error) { return struct{}{}, nil }
func fail() (struct{}, error)    { return struct{}{}, gobreaker.ErrOpenState }

// state asks the machine, which may take the breaker from open to half-open.
func (b *CircuitBreaker) state() policy.State {
	switch b.mode {
	case forcedOpen:
		return policy.StateOpen
	case disabled:
		return policy.StateClosed
	case automatic:
	}
	if b.machine != nil {
		b.machine.State() // moves on from open when its time has come
		b.publish(false)
	}
	return b.current
}

var stateOf = [...]policy.State{
	gobreaker.StateClosed:   policy.StateClosed,
	gobreaker.StateHalfOpen: policy.StateHalfOpen,
	gobreaker.StateOpen:     policy.StateOpen,
}

// publish sets the gate to what the breaker is now. A change of state, or of
// who decides, begins a new epoch; results from before it are dropped.
func (b *CircuitBreaker) publish(newEpoch bool) {
	state := b.current
	var gate uint64
	switch {
	case b.mode == forcedOpen:
		gate, state = gateForced, policy.StateOpen
	case b.mode == disabled:
		gate, state = gateDisabled, policy.StateClosed
	case state == policy.StateOpen:
		gate = gateOpen
	case state == policy.StateHalfOpen:
		gate = gateHalfOpen
	case b.successes.Load() != nil:
		gate = gateCounting
	case b.failing && b.spec.Window == 0:
		gate = gateClosed
	default:
		gate = gateHealthy
	}
	epoch := b.gate.Load() >> gateBits
	if newEpoch || state != b.last {
		epoch++
	}
	b.gate.Store(epoch<<gateBits | gate)
	if state != b.last {
		b.transitions.add(Transition{Name: b.name, From: b.last, To: state, At: time.Now()})
		b.last = state
		b.changed = true
	}
}

// lock begins the critical section of a call. It waits a little before it parks the
// goroutine: that takes longer than what is done under the lock, and sync.Mutex
// does it at once where others are waiting to run.
func (b *CircuitBreaker) lock() {
	const tries = 64
	for range tries {
		if b.mu.TryLock() {
			return
		}
	}
	b.mu.Lock()
}

// unlock ends every critical section: what happened in it is told outside.
func (b *CircuitBreaker) unlock() {
	changed := b.changed
	b.changed = false
	b.mu.Unlock()
	if changed {
		b.transitions.tell()
	}
}

// has reports whether the breaker was made from settings that mean the same.
func (b *CircuitBreaker) has(spec policy.CircuitBreaker) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return spec.WithDefaults() == b.spec
}
