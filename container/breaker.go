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
// machine; on top come probes that cannot hang, controls, and a gate that calls
// pass without a lock while it is closed. It is safe for use by many goroutines.
type CircuitBreaker struct {
	name        string
	transitions *transitions

	gate gate
	// limit is how many failures in a row trip the breaker, where the gate
	// counts them; 0 where the machine counts all in a window.
	limit atomic.Uint64
	// reopens is when an open breaker admits its next probe.
	reopens atomic.Int64
	// successes counts them where a share of failures is reckoned; else nil.
	successes atomic.Pointer[window]

	mu      sync.Mutex // guards all below, and is held at every use of machine
	spec    policy.CircuitBreaker
	machine *gobreaker.CircuitBreaker[struct{}] // nil until it has something to count
	current policy.State                        // of the machine
	mode    mode
	last    policy.State // as the transitions have told it
	row     uint64       // failures that the gate counted before the mode was changed
	probes  []probe
	probeID uint64
	tripped bool // set by the machine when it goes from closed to open
	changed bool // there is a transition to be told
}

// mode is who decides: the state machine, or an operator.
type mode int

const (
	automatic mode = iota
	forcedOpen
	disabled
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
	if b.mode == automatic {
		b.row = inARow(b.gate.Load())
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
	b.machine, b.row, b.current = nil, 0, policy.StateClosed
	if b.limit.Store(uint64(b.spec.FailureThreshold)); b.spec.Window > 0 {
		b.limit.Store(0)
		b.machine = gobreaker.NewCircuitBreaker[struct{}](b.settings())
	}
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
			b.row, b.current = 0, stateOf[to]
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

// shouldTrip is gobreaker's question at every failure that it hears of. Without a
// window that is the one that makes the row long enough. In a share of failures,
// requests that are neither success nor failure don't count.
func (b *CircuitBreaker) shouldTrip(c gobreaker.Counts) bool {
	spec := &b.spec
	if spec.Window == 0 {
		return true
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

// admit decides whether a call may pass a breaker that was not closed. Where it
// may not, wait is the time to the next probe, 0 where that is unknown.
func (b *CircuitBreaker) admit(now clock.Nanos) (p permit, wait time.Duration, ok bool) {
	switch b.gate.Load() & kindMask {
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

// report tells the breaker how a call ended, and returns whether that tripped it.
func (b *CircuitBreaker) report(p permit, o outcome) (tripped bool) {
	switch {
	case p == permitNone:
	case p&kindMask == permitProbe:
		b.mu.Lock()
		defer b.unlock()
		b.endProbe(uint64(p)>>kindBits, o)
	case o == success:
		if w := b.successes.Load(); b.gate.succeed(p) && w != nil {
			w.add(clock.Now())
		}
	case o == failure && b.gate.fail(p, b.limit.Load()):
		b.mu.Lock()
		defer b.unlock()
		// A success may have come between, or another failure that tripped it.
		if b.gate.fail(p, b.limit.Load()) {
			b.feed(failure)
			return b.tripped
		}
	}
	return false
}

// feed books an outcome as an instant request of the state machine: one that
// began and ended now. What began earlier was held back by its permit.
func (b *CircuitBreaker) feed(o outcome) {
	b.tripped = false
	if b.machine == nil {
		b.machine = gobreaker.NewCircuitBreaker[struct{}](b.settings())
	}
	switch o {
	case success:
		_, _ = b.machine.Execute(succeed)
	case failure:
		_, _ = b.machine.Execute(fail)
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
	var kind, failures uint64
	switch {
	case b.mode == forcedOpen:
		kind, state = gateForced, policy.StateOpen
	case b.mode == disabled:
		kind, state = gateDisabled, policy.StateClosed
	case state == policy.StateOpen:
		kind = gateOpen
	case state == policy.StateHalfOpen:
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
		b.transitions.add(Transition{Name: b.name, From: b.last, To: state, At: time.Now()})
		b.last = state
		b.changed = true
	}
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

// patience is how long an attempt that its caller's deadline ended must have run
// to count.
func (b *CircuitBreaker) patience() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spec.Patience
}

// has reports whether the breaker was made from settings that mean the same.
func (b *CircuitBreaker) has(spec policy.CircuitBreaker) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return spec.WithDefaults() == b.spec
}
