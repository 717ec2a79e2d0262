package circuit

import (
	"slices"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// probe is a call that was let through to see whether the dependency is back.
type probe struct {
	id    uint64
	began clock.Nanos
	limit time.Duration // when it hangs
	timer *time.Timer   // of the limit
}

// probing is what is known of a dependency from its probes.
type probing struct {
	probes []probe // under way, oldest first
	id     uint64  // of the last one
	// typical is how long probes take, smoothed; 0 until one has come back.
	typical time.Duration
	// unanswered is for how long, since the last that came back, there were
	// probes that their callers left; counted is up to when.
	unanswered time.Duration
	counted    clock.Nanos
}

// firstGuess is how long a probe takes where none has come back so far.
const firstGuess = 100 * time.Millisecond

// admitProbe lets a call through as a probe if the breaker is half-open and has
// a place left.
func (b *Breaker) admitProbe(now clock.Nanos, least time.Duration) (Permit, time.Duration, bool) {
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
	if !b.hasPlace() {
		return NoPermit, b.untilProbed(now), false
	}
	b.probing.id++
	id, limit := b.probing.id, b.probeLimit(least)
	b.probes = append(b.probes, probe{
		id:    id,
		began: now,
		limit: limit,
		// Nobody else may be coming to notice that it hangs.
		timer: time.AfterFunc(limit, func() { b.hang(id) }),
	})
	return Permit(id<<kindBits | permitProbe), 0, true
}

// probeLimit is how long a probe may take: no longer than a call that is slow.
func (b *Breaker) probeLimit(least time.Duration) time.Duration {
	limit := max(b.settings().ProbeTimeout, least)
	if slow := b.settings().SlowCall; slow > 0 {
		return min(limit, slow)
	}
	return limit
}

// hasPlace reports whether a half-open breaker has a place for a probe: there are as
// many as must succeed, less those that did.
func (b *Breaker) hasPlace() bool {
	return uint32(len(b.probes))+b.machine.Counts().TotalSuccesses < b.settings().SuccessThreshold
}

// untilProbed guesses how long all places will be taken: as long as probes took of
// late, or as long again as the oldest has taken already; until that one hangs at
// the latest.
func (b *Breaker) untilProbed(now clock.Nanos) time.Duration {
	out := now.Sub(b.probes[0].began)
	typical := b.typical
	if typical == 0 {
		typical = firstGuess
	}
	return max(min(max(typical, out), b.probes[0].limit-out), 1)
}

// endProbe books a probe's outcome, unless it has hung too long or the breaker
// has since changed its state; a neutral one gives back its place.
func (b *Breaker) endProbe(id uint64, o Outcome) {
	p, ok := b.removeProbe(id)
	if !ok {
		return
	}
	now := clock.Now()
	if slow := b.settings().SlowCall; o == Success && slow > 0 && now.Sub(p.began) >= slow {
		o = Failure // what closed the breaker would open it again
	}
	switch o {
	case Success, Failure:
		b.learn(now.Sub(p.began))
		b.unanswered = 0
		b.feed(o)
	case Abandoned:
		// One after the other, callers that do not wait would ask a dependency
		// that hangs for ever. Together they are a probe that hangs.
		b.unanswered += now.Sub(max(p.began, b.counted))
		b.counted = now
		if b.unanswered >= b.probeLimit(0) {
			b.feed(Failure)
		}
	case Neutral:
	}
}

// hang counts a probe as failed that has not come back in time.
func (b *Breaker) hang(id uint64) {
	b.mu.Lock()
	defer b.unlock()
	if _, ok := b.removeProbe(id); ok {
		b.feed(Failure)
	}
}

func (b *Breaker) removeProbe(id uint64) (p probe, ok bool) {
	i := slices.IndexFunc(b.probes, func(p probe) bool { return p.id == id })
	if i < 0 {
		return p, false
	}
	p = b.probes[i]
	p.timer.Stop()
	b.probes = slices.Delete(b.probes, i, i+1)
	return p, true
}

// learn notes how long a probe took.
func (p *probing) learn(took time.Duration) {
	if p.typical == 0 {
		p.typical = took
	}
	p.typical += (took - p.typical) / 4
}

// dropProbes forgets the probes of a state that is over.
func (b *Breaker) dropProbes() {
	if b.probing == nil {
		return
	}
	for _, p := range b.probes {
		p.timer.Stop()
	}
	b.probes, b.unanswered = nil, 0
}
