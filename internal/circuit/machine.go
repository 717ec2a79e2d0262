package circuit

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/sony/gobreaker/v2"
)

// growth is by what share the open time grows with each probing that fails: a
// quarter. The next one is then never longer than the first and a quarter of all
// that the breaker was open before, so that it prolongs no outage by more than
// that. Doubled, it could be as long as the outage was.
const growth = 4

// newMachine returns a state machine that is closed and has counted nothing.
func (b *Breaker) newMachine() *gobreaker.CircuitBreaker[struct{}] {
	if b.probing == nil {
		b.probing = new(probing)
	}
	recovery := max(b.settings().RecoveryTimeout, 2) // less 1 is 0, which means a minute to gobreaker
	s := gobreaker.Settings{
		MaxRequests: b.settings().SuccessThreshold,
		// gobreaker opens up strictly after its timeout; ours is when the
		// next call may pass, so whoever waits as told is let in. Where it
		// is open for longer, it is not asked before.
		Timeout:     recovery - 1,
		ReadyToTrip: b.shouldTrip,
		OnStateChange: func(_ string, from, to gobreaker.State) {
			b.dropProbes()
			b.row, b.current = 0, stateOf[to]
			b.successes.Store(newSuccesses(b.settings()))
			b.ramp.Store(nil)
			b.tripped = from == gobreaker.StateClosed
			if to == gobreaker.StateOpen {
				if b.tripped {
					b.recovery = recovery
				} else if longer := b.settings().MaxRecovery - b.recovery; longer > 0 {
					b.recovery += min(max(b.recovery/growth, 1), longer)
				}
				b.reopens.Store(int64(clock.Now().Add(b.spread(b.recovery))))
			} else if to == gobreaker.StateClosed {
				b.ramp.Store(newRamp(b.settings().Ramp))
			}
		},
	}
	if b.settings().Window > 0 {
		s.Interval = min(b.settings().Window, longestWindow)
		s.BucketPeriod = periodOf(s.Interval)
	}
	return gobreaker.NewCircuitBreaker[struct{}](s)
}

// spread lengthens an open time by up to the share that the settings say.
func (b *Breaker) spread(open time.Duration) time.Duration {
	more := rand.Float64() * b.settings().RecoveryJitter * float64(open)
	if more >= float64(math.MaxInt64-open) {
		return math.MaxInt64
	}
	return open + time.Duration(more)
}

var stateOf = [...]State{
	gobreaker.StateClosed:   Closed,
	gobreaker.StateHalfOpen: HalfOpen,
	gobreaker.StateOpen:     Open,
}

// shouldTrip is gobreaker's question at every failure that it hears of. Without a
// window that is the one that makes the row long enough. In a share of failures,
// requests that are neither success nor failure don't count.
func (b *Breaker) shouldTrip(c gobreaker.Counts) bool {
	s := b.settings()
	if s.Window == 0 || b.tooSlow || b.imposed {
		return true
	}
	if s.FailureThreshold > 0 && c.TotalFailures >= s.FailureThreshold {
		return true
	}
	if s.FailureRate == 0 {
		return false
	}
	all := float64(c.TotalFailures) + float64(b.successes.Load().count(clock.Now()))
	return all >= float64(s.MinRequests) && float64(c.TotalFailures) >= s.FailureRate*all
}

// feed books an outcome as an instant request of the machine: one that began and
// ended now. What began earlier was held back by its permit.
func (b *Breaker) feed(o Outcome) {
	b.tripped = false
	if b.machine == nil {
		b.machine = b.newMachine()
	}
	switch o {
	case Success:
		_, _ = b.machine.Execute(succeed)
	case Failure:
		_, _ = b.machine.Execute(fail)
	case Neutral, Abandoned:
	}
	b.publish(false)
}

func succeed() (struct{}, error) { return struct{}{}, nil }
func fail() (struct{}, error)    { return struct{}{}, gobreaker.ErrOpenState }

// state asks the machine, which may take the breaker from open to half-open.
func (b *Breaker) state() State {
	switch b.mode {
	case ForcedOpen:
		return Open
	case Disabled:
		return Closed
	case Automatic:
	}
	if b.current == Open && clock.Now() >= clock.Nanos(b.reopens.Load()) {
		b.machine.State() // moves on
		b.publish(false)
	}
	return b.current
}
