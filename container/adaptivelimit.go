package container

import (
	"sync"
	"time"

	"github.com/cladgo/clad/internal/adaptive"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// adaptiveLimit moves the limit of a bulkhead.
type adaptiveLimit struct {
	mu    sync.Mutex // one change at a time
	limit adaptive.Limit
}

func newAdaptiveLimit(name string, spec policy.AdaptiveLimit) *Bulkhead {
	b := &Bulkhead{adaptive: &adaptiveLimit{}}
	b.rename(name)
	b.adapt(spec)
	return b
}

// adapt takes new settings in place: the limit stays what it has come to be, within
// the new bounds.
func (b *Bulkhead) adapt(spec policy.AdaptiveLimit) {
	spec = spec.WithDefaults()
	b.adaptive.mu.Lock()
	defer b.adaptive.mu.Unlock()
	b.adaptive.limit.Configure(adaptive.Settings{Initial: spec.Initial, Min: spec.Min, Max: spec.Max})
	b.configure(policy.Bulkhead{MaxConcurrent: b.adaptive.limit.Now(), MaxWait: spec.MaxWait})
}

// AdaptiveStatus is what an adaptive limit has found out.
type AdaptiveStatus struct {
	// Min and Max are what the limit stays within. What it is at the moment,
	// [Bulkhead.Limit] says.
	Min, Max int
	// Unloaded is what calls take that do not wait for each other; 0 until that was
	// measured.
	Unloaded time.Duration
	// Measuring says that fewer calls are let in for a moment, to find that.
	Measuring bool
}

// Adaptive returns what the limit has found out; it is false where the limit is fixed.
func (b *Bulkhead) Adaptive() (s AdaptiveStatus, ok bool) {
	if b.adaptive == nil {
		return s, false
	}
	known := b.adaptive.limit.Status()
	return AdaptiveStatus{known.Min, known.Max, known.Unloaded, known.Measuring}, true
}

// observe has the limit learn from an attempt that has its permit still.
func (b *Bulkhead) observe(began, now clock.Nanos, failed bool) {
	b.adaptive.mu.Lock()
	defer b.adaptive.mu.Unlock()
	limit := b.adaptive.limit.Observe(began, now, b.permits.Status().InUse, failed)
	if spec := b.Limit(); spec.MaxConcurrent != limit {
		spec.MaxConcurrent = limit
		b.configure(spec)
	}
}

// observe tells an adaptive limit how long the attempt took that was just made, if
// one was and that says anything of the dependency.
func (c *Call) observe(s *step, failed bool) {
	if s.bulkhead().adaptive == nil || c.began == 0 || c.unsent || c.means.Neutral {
		return
	}
	s.bulkhead().observe(c.began, c.clock(), failed && c.means.Verdict != policy.Answered)
}
