package circuit

import (
	"slices"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// probe is a call that was let through to see whether the dependency is back.
type probe struct {
	id    uint64
	ends  clock.Nanos // when it counts as hanging
	timer *time.Timer
}

// admitProbe lets a call through as a probe if the breaker is half-open and has
// a place left: as many as must succeed, less those that did.
func (b *Breaker) admitProbe(now clock.Nanos) (Permit, time.Duration, bool) {
	b.mu.Lock()
	defer b.unlock()
	switch state := b.state(); {
	case b.mode == Disabled:
		return NoPermit, 0, true
	case b.mode == ForcedOpen:
		return NoPermit, 0, false
	case state == Closed:
		return Permit(b.gate.Load()&epochMask | permitCall), 0, true
	case state == Open:
		return NoPermit, max(clock.Nanos(b.reopens.Load()).Sub(now), 1), false
	}
	if uint32(len(b.probes))+b.machine.Counts().TotalSuccesses >= b.settings.SuccessThreshold {
		return NoPermit, max(b.probes[0].ends.Sub(now), 1), false // until it hangs, at the latest
	}
	b.probeID++
	id := b.probeID
	b.probes = append(b.probes, probe{
		id:   id,
		ends: now.Add(b.settings.ProbeTimeout),
		// Nobody else may be coming to notice that it hangs.
		timer: time.AfterFunc(b.settings.ProbeTimeout, func() {
			b.mu.Lock()
			defer b.unlock()
			b.endProbe(id, Failure)
		}),
	})
	return Permit(id<<kindBits | permitProbe), 0, true
}

// endProbe books a probe's outcome, unless it has hung too long or the breaker
// has since changed its state; a neutral one gives back its place.
func (b *Breaker) endProbe(id uint64, o Outcome) {
	i := slices.IndexFunc(b.probes, func(p probe) bool { return p.id == id })
	if i < 0 {
		return
	}
	b.probes[i].timer.Stop()
	b.probes = slices.Delete(b.probes, i, i+1)
	if o != Neutral && b.current == HalfOpen {
		b.feed(o)
	}
}

// dropProbes forgets the probes of a state that is over.
func (b *Breaker) dropProbes() {
	for _, p := range b.probes {
		p.timer.Stop()
	}
	b.probes = nil
}
