package circuit

import (
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// Open opens the breaker for a time since others have found the dependency down. One
// that is open already is probed when they do. Who decides stays as it is.
func (b *Breaker) Open(d time.Duration) {
	b.mu.Lock()
	defer b.unlock()
	b.imposed = true
	defer func() { b.imposed = false }()
	if b.state(); b.current != Open {
		b.feed(Failure)
	}
	b.recovery = max(d, 1)
	b.reopens.Store(int64(clock.Now().Add(b.recovery)))
}

// Close closes the breaker since others have found the dependency back.
func (b *Breaker) Close() {
	b.mu.Lock()
	defer b.unlock()
	if b.current == Closed {
		return
	}
	b.imposed = true
	defer func() { b.imposed = false }()
	b.reset(newRamp(b.settings().Ramp))
}

// OpenFor returns how long the breaker is to be open from when it has opened.
func (b *Breaker) OpenFor() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.recovery
}
