package circuit

import (
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Mode is who decides: the state machine, or an operator.
type Mode uint8

// The modes of a breaker.
const (
	Automatic  Mode = iota
	ForcedOpen      // rejects every call
	Disabled        // lets every call pass, and counts nothing
)

// SetMode says who decides from now on. The machine goes on in the state that it
// was left in; probes that are under way are forgotten.
func (b *Breaker) SetMode(m Mode) {
	b.mu.Lock()
	defer b.unlock()
	if b.mode == m {
		return
	}
	b.keepRow()
	b.mode, b.since = m, clock.Now()
	b.dropProbes()
	b.publish(true)
}

// Reset closes the breaker, forgets what it counted, and makes it automatic.
func (b *Breaker) Reset() {
	b.mu.Lock()
	defer b.unlock()
	if b.mode != Automatic {
		b.mode, b.since = Automatic, clock.Now()
	}
	b.restart()
}

// Status is what a breaker is at one moment.
type Status struct {
	State      State
	Mode       Mode
	Since      clock.Nanos   // when either last changed
	RetryAfter time.Duration // to the next probe; 0 where a call may pass, or that is unknown
}

// Status returns what the breaker is now.
func (b *Breaker) Status() Status {
	b.mu.Lock()
	defer b.unlock()
	s := Status{State: b.state(), Mode: b.mode, Since: b.since}
	now := clock.Now()
	switch {
	case b.mode != Automatic:
	case s.State == Open:
		s.RetryAfter = max(clock.Nanos(b.reopens.Load()).Sub(now), 1)
	case s.State == HalfOpen && !b.hasPlace():
		s.RetryAfter = b.untilProbed(now)
	}
	return s
}
