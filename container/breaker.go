package container

import (
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/circuit"
	"github.com/cladgo/clad/policy"
)

// CircuitBreaker is a circuit breaker of an orchestrator. It is safe for use by
// many goroutines.
type CircuitBreaker struct {
	inPartition
	name    atomic.Pointer[string]
	circuit circuit.Breaker
	spec    kept[policy.CircuitBreaker] // with its defaults, and without its name
	sharing *sharing                    // nil without a store
	fleet   atomic.Pointer[follower]    // where it is shared
}

func newCircuitBreaker(name string, spec policy.CircuitBreaker, t *transitions, s *sharing) *CircuitBreaker {
	b := &CircuitBreaker{sharing: s}
	b.rename(name)
	b.circuit.OnChange = func(from, to circuit.State, imposed bool) func() {
		t.add(Transition{Name: b.Name(), PartitionOf: b.PartitionOf(), From: stateOf[from], To: stateOf[to], At: time.Now()})
		f := b.fleet.Load()
		if f == nil || imposed {
			return t.tell
		}
		f.note(change{from: from, to: to})
		return func() { t.tell(); f.flush() }
	}
	b.configure(spec)
	return b
}

// Name returns the breaker's name, by which the orchestrator finds it: its own, or
// that of the service or operation that it belongs to. A second one of these bears
// its policy as well, "payments.Gateway/external_api_once", and where that is not
// enough a number.
func (b *CircuitBreaker) Name() string { return *b.name.Load() }

func (b *CircuitBreaker) rename(name string) { b.name.Store(&name) }

// State returns the state that a call would meet now: an open breaker whose
// recovery timeout has passed is half-open. A disabled breaker is closed.
func (b *CircuitBreaker) State() policy.State { return stateOf[b.circuit.State()] }

var stateOf = [...]policy.State{
	circuit.Closed:   policy.StateClosed,
	circuit.HalfOpen: policy.StateHalfOpen,
	circuit.Open:     policy.StateOpen,
}

// Status returns what the breaker is now.
func (b *CircuitBreaker) Status() CircuitBreakerStatus {
	s := b.circuit.Status()
	return CircuitBreakerStatus{State: stateOf[s.State], Mode: modeOf[s.Mode], Since: s.Since.Wall(), RetryAfter: s.RetryAfter}
}

// CircuitBreakerStatus is what a [CircuitBreaker] is at one moment.
type CircuitBreakerStatus struct {
	// State is what a call would meet, as [CircuitBreaker.State] says.
	State policy.State
	// Mode says who decides.
	Mode Mode
	// Since is when State or Mode last changed, or else the breaker was made. A
	// breaker becomes half-open when it is first used or asked after its
	// recovery timeout.
	Since time.Time
	// RetryAfter is the time until a call may pass, as far as it is known: 0
	// where one may pass now, and in a breaker that is forced open.
	RetryAfter time.Duration
}

// Mode says who decides whether a [CircuitBreaker] lets calls through.
type Mode string

// The modes of a circuit breaker.
const (
	// ModeAutomatic is that of the state machine.
	ModeAutomatic Mode = "automatic"
	// ModeForcedOpen is since [CircuitBreaker.ForceOpen].
	ModeForcedOpen Mode = "forced_open"
	// ModeDisabled is since [CircuitBreaker.Disable].
	ModeDisabled Mode = "disabled"
)

var modeOf = [...]Mode{
	circuit.Automatic:  ModeAutomatic,
	circuit.ForcedOpen: ModeForcedOpen,
	circuit.Disabled:   ModeDisabled,
}

// ForceOpen rejects every call until [CircuitBreaker.Automatic] or
// [CircuitBreaker.Reset].
func (b *CircuitBreaker) ForceOpen() { b.circuit.SetMode(circuit.ForcedOpen) }

// Disable lets every call pass, and counts nothing, until
// [CircuitBreaker.Automatic] or [CircuitBreaker.Reset].
func (b *CircuitBreaker) Disable() { b.circuit.SetMode(circuit.Disabled) }

// Automatic gives the breaker back to its state machine, in the state that it
// was in before it was forced open or disabled.
func (b *CircuitBreaker) Automatic() { b.circuit.SetMode(circuit.Automatic) }

// Reset closes the breaker, forgets what it counted, and makes it automatic.
func (b *CircuitBreaker) Reset() { b.circuit.Reset() }

// configure takes new settings. Changed ones start a new count, but for those that
// a count does not depend on.
func (b *CircuitBreaker) configure(spec policy.CircuitBreaker) {
	spec = spec.WithDefaults()
	spec.Name = ""
	b.spec.store(spec)
	slowWindow := spec.Window
	if slowWindow == 0 {
		slowWindow = policy.DefaultSlowWindow
	}
	b.circuit.Configure(circuit.Settings{
		FailureThreshold: spec.FailureThreshold,
		FailureRate:      spec.FailureRate,
		MinRequests:      spec.MinRequests,
		Window:           spec.Window,
		RecoveryTimeout:  spec.RecoveryTimeout,
		MaxRecovery:      spec.MaxRecovery,
		SuccessThreshold: spec.SuccessThreshold,
		ProbeTimeout:     spec.ProbeTimeout,
		SlowCall:         spec.SlowCall,
		SlowRate:         spec.SlowRate,
		SlowWindow:       slowWindow,
		RecoveryJitter:   spec.RecoveryJitter,
		Ramp:             spec.Ramp,
	})
	b.share(spec) // from then on others may open it
}

// patience is how long an attempt that its caller's deadline ended must have run
// to count.
func (b *CircuitBreaker) patience() time.Duration { return b.spec.load().Patience }

// probeTime is how long a probe may take at least whose attempt is bounded by its
// policy: where nothing else is said, as long as that.
func (b *CircuitBreaker) probeTime(bound time.Duration) time.Duration {
	if b.spec.load().ProbeTimeout != policy.DefaultProbeTimeout {
		return 0
	}
	return bound
}

// has reports whether the breaker, which bears its name, was made from settings that
// mean the same.
func (b *CircuitBreaker) has(spec policy.CircuitBreaker) bool {
	spec.Name = ""
	return spec.WithDefaults() == b.spec.load()
}
