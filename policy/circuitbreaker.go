package policy

import (
	"errors"
	"fmt"
	"time"
)

// What a zero setting of a [CircuitBreaker] means.
const (
	DefaultFailureThreshold = 5
	DefaultMinRequests      = 20
	DefaultRecoveryTimeout  = 500 * time.Millisecond
	DefaultMaxRecovery      = 30 * time.Second
	DefaultSuccessThreshold = 3
	DefaultProbeTimeout     = 30 * time.Second
	DefaultPatience         = 100 * time.Millisecond
	DefaultQuorum           = 2
	DefaultSlowRate         = 0.5
	DefaultSlowWindow       = 10 * time.Second
)

// CircuitBreaker stops calling a dependency that keeps failing, and probes
// whether it is back. The zero value trips at five failures in a row, stays open
// for half a second, then for a quarter longer each time, up to 30s, as long as
// probes fail, and closes after three that succeed.
//
// An outage is so never prolonged by more than RecoveryTimeout and a quarter of
// itself, and the time that a probe takes to fail; a dependency that stays away for
// minutes is probed every 30s.
//
// An error marked [Answer] is a success: the dependency worked. The caller's own
// cancellation, an error marked [Permanent] and rejections by a circuit breaker
// or rate limiter are neither success nor failure; a deadline of the caller's is
// a failure after Patience.
//
// With a Name the breaker is one object, shared by all that name it; with
// nothing but a Name it refers to the breaker registered under it. Without a
// name it belongs to the tagged service, or to the operation, that uses it.
type CircuitBreaker struct {
	Name string
	// FailureThreshold is the number of failures that trips: in a row, or
	// within Window where that is set. 0 means DefaultFailureThreshold, and
	// no count rule where FailureRate is set.
	FailureThreshold uint32
	// FailureRate in (0, 1] trips on the share of failures among the
	// requests within Window, from MinRequests on. 0 means no such rule.
	FailureRate float64
	// MinRequests is how many requests within Window FailureRate needs before
	// it says anything, and SlowRate. 0 means DefaultMinRequests.
	MinRequests uint32
	// Window is rolling. 0 means none: failures count in a row. Slow calls are
	// then counted within DefaultSlowWindow.
	Window time.Duration
	// SlowCall is how long a call takes within the breaker that is slow. It
	// counts when it becomes slow, whether it is still under way or not, so that
	// a dependency that hangs trips the breaker before the first timeout ends; a
	// result that is still in use (a body, a stream) is under way. A probe that is
	// slow has failed. 0 means that no call is.
	SlowCall time.Duration
	// SlowRate in (0, 1] trips on the share of slow calls within Window, from
	// MinRequests on. 0 means DefaultSlowRate where there is a SlowCall. Calls
	// that say nothing of the dependency don't count.
	SlowRate float64
	// RecoveryTimeout is how long the breaker stays open. 0 means
	// DefaultRecoveryTimeout, and a quarter longer with each probing that fails.
	RecoveryTimeout time.Duration
	// MaxRecovery is up to where the time that the breaker stays open grows, by a
	// quarter with each probing that fails; it is not shorter than RecoveryTimeout. 0
	// means RecoveryTimeout, which then stays as it is, or DefaultMaxRecovery
	// where that is 0 too.
	MaxRecovery time.Duration
	// RecoveryJitter in [0, 1] is by up to which share the breaker stays open for
	// longer, at random: many instances do not all probe at the same moment. 0
	// means not at all. MaxRecovery is without it.
	RecoveryJitter float64
	// Ramp is how long calls are let in gradually after probes have closed the
	// breaker: a tenth of them at first, growing evenly to all. Others fail as if
	// it were open. 0 means all at once.
	Ramp time.Duration
	// SuccessThreshold is how many probes are admitted while half-open, and
	// how many must succeed to close. 0 means DefaultSuccessThreshold.
	SuccessThreshold uint32
	// ProbeTimeout is how long a probe may hang before it counts as failed.
	// 0 means DefaultProbeTimeout, or the timeout that the policy puts around
	// each attempt within the breaker, where that is longer.
	ProbeTimeout time.Duration
	// Patience is how long an attempt that the caller's own deadline ended must
	// have run to count as a failure: what ended sooner says nothing of the
	// dependency. 0 means DefaultPatience.
	Patience time.Duration
	// Shared has all instances that share a store, which the orchestrator must be
	// given, open the breaker when Quorum of them have, send SuccessThreshold probes
	// together, and close it when these succeed. The breaker needs a name.
	Shared bool
	// Quorum is how many instances must find the dependency down before a Shared
	// breaker opens for all: fewer where there are fewer. 0 means DefaultQuorum.
	Quorum uint32
}

// IsReference reports whether c only names a breaker registered elsewhere.
func (c CircuitBreaker) IsReference() bool {
	return c.Name != "" && c == CircuitBreaker{Name: c.Name}
}

// WithDefaults returns c with every zero setting replaced by what it means.
func (c CircuitBreaker) WithDefaults() CircuitBreaker {
	if c.FailureThreshold == 0 && c.FailureRate == 0 {
		c.FailureThreshold = DefaultFailureThreshold
	}
	if c.MinRequests == 0 {
		c.MinRequests = DefaultMinRequests
	}
	switch {
	case c.MaxRecovery > 0:
	case c.RecoveryTimeout > 0:
		c.MaxRecovery = c.RecoveryTimeout
	default:
		c.MaxRecovery = DefaultMaxRecovery
	}
	if c.RecoveryTimeout == 0 {
		c.RecoveryTimeout = DefaultRecoveryTimeout
	}
	if c.SuccessThreshold == 0 {
		c.SuccessThreshold = DefaultSuccessThreshold
	}
	if c.ProbeTimeout == 0 {
		c.ProbeTimeout = DefaultProbeTimeout
	}
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Shared && c.Quorum == 0 {
		c.Quorum = DefaultQuorum
	}
	if c.SlowCall > 0 && c.SlowRate == 0 {
		c.SlowRate = DefaultSlowRate
	}
	return c
}

// Validate reports negative durations, a share outside (0, 1], a rate without what
// it is the rate of, and a MaxRecovery below RecoveryTimeout.
func (c CircuitBreaker) Validate() error {
	var errs []error
	for _, share := range []struct {
		name  string
		value float64
	}{{"FailureRate", c.FailureRate}, {"SlowRate", c.SlowRate}, {"RecoveryJitter", c.RecoveryJitter}} {
		if !(share.value >= 0 && share.value <= 1) {
			errs = append(errs, fmt.Errorf("circuit breaker: %s is %v; it is a share, above 0 and up to 1", share.name, share.value))
		}
	}
	if c.FailureRate > 0 && c.Window == 0 {
		errs = append(errs, errors.New("circuit breaker: FailureRate needs a Window to be counted in"))
	}
	if c.SlowRate > 0 && c.SlowCall == 0 {
		errs = append(errs, errors.New("circuit breaker: SlowRate needs a SlowCall, which says what is slow"))
	}
	if c.Quorum > 0 && !c.Shared {
		errs = append(errs, errors.New("circuit breaker: Quorum belongs to Shared, which is not set"))
	}
	if d := c.WithDefaults(); c.MaxRecovery > 0 && c.MaxRecovery < d.RecoveryTimeout {
		errs = append(errs, fmt.Errorf("circuit breaker: MaxRecovery is %v, shorter than RecoveryTimeout, which is %v", c.MaxRecovery, d.RecoveryTimeout))
	}
	return errors.Join(append(errs,
		nonNegative("circuit breaker", "Window", c.Window),
		nonNegative("circuit breaker", "RecoveryTimeout", c.RecoveryTimeout),
		nonNegative("circuit breaker", "MaxRecovery", c.MaxRecovery),
		nonNegative("circuit breaker", "SlowCall", c.SlowCall),
		nonNegative("circuit breaker", "Ramp", c.Ramp),
		nonNegative("circuit breaker", "ProbeTimeout", c.ProbeTimeout),
		nonNegative("circuit breaker", "Patience", c.Patience))...)
}

func (c CircuitBreaker) String() string {
	if c.IsReference() {
		return settings("circuit_breaker", c.Name)
	}
	d := c.WithDefaults()
	count, rate, slow, ramp, shared := "", "", "", "", ""
	switch {
	case d.FailureThreshold == 0:
	case d.Window > 0:
		count = fmt.Sprintf("%d failures in %v", d.FailureThreshold, d.Window)
	default:
		count = fmt.Sprintf("%d failures in a row", d.FailureThreshold)
	}
	if d.FailureRate > 0 {
		rate = fmt.Sprintf("%v%% of at least %d in %v", d.FailureRate*100, d.MinRequests, d.Window)
	}
	if d.SlowCall > 0 {
		slow = fmt.Sprintf("%v%% of at least %d in %v slower than %v", d.SlowRate*100, d.MinRequests, d.slowWindow(), d.SlowCall)
	}
	open := "open " + d.RecoveryTimeout.String()
	if d.MaxRecovery > d.RecoveryTimeout {
		open += " to " + d.MaxRecovery.String()
	}
	if d.RecoveryJitter > 0 {
		open += fmt.Sprintf(" and up to %v%% longer", d.RecoveryJitter*100)
	}
	if d.Ramp > 0 {
		ramp = fmt.Sprintf("ramp of %v", d.Ramp)
	}
	if d.Shared {
		shared = fmt.Sprintf("shared by a quorum of %d", d.Quorum)
	}
	return settings("circuit_breaker", c.Name, count, rate, slow,
		open, fmt.Sprintf("%d probes of %v", d.SuccessThreshold, d.ProbeTimeout), ramp, shared)
}

// slowWindow is what slow calls are counted within.
func (c CircuitBreaker) slowWindow() time.Duration {
	if c.Window > 0 {
		return c.Window
	}
	return DefaultSlowWindow
}

func (c CircuitBreaker) layers(dst []Policy) []Policy { return append(dst, c) }
