package container

import (
	"sync/atomic"

	"github.com/cladgo/clad/internal/bulkhead"
	"github.com/cladgo/clad/policy"
)

// Bulkhead is a bulkhead of an orchestrator: permits for calls that are under way
// at the same time, and a fair queue for those that may wait for theirs. It is safe
// for use by many goroutines.
type Bulkhead struct {
	inPartition
	name    atomic.Pointer[string]
	permits bulkhead.Bulkhead
	spec    atomic.Pointer[policy.Bulkhead]

	adaptive *adaptiveLimit // moves the limit; nil where that is fixed
}

func newBulkhead(name string, spec policy.Bulkhead) *Bulkhead {
	b := &Bulkhead{}
	b.rename(name)
	b.configure(spec)
	return b
}

// Name returns the bulkhead's name, by which the orchestrator finds it: its own, or
// one made as [CircuitBreaker.Name] says.
func (b *Bulkhead) Name() string { return *b.name.Load() }

func (b *Bulkhead) rename(name string) {
	b.name.Store(&name)
	if known := b.spec.Load(); known != nil {
		spec := *known
		spec.Name = name
		b.spec.Store(&spec)
	}
}

// Limit returns the bulkhead's settings in force; that of an adaptive limit has as
// MaxConcurrent what it is at the moment.
func (b *Bulkhead) Limit() policy.Bulkhead { return *b.spec.Load() }

// Status returns what the bulkhead holds now.
func (b *Bulkhead) Status() BulkheadStatus {
	s := b.permits.Status()
	return BulkheadStatus{InUse: s.InUse, Waiting: s.Waiting}
}

// inUse reports whether anybody has a permit, or waits for one.
func (b *Bulkhead) inUse() bool {
	s := b.Status()
	return s.InUse > 0 || s.Waiting > 0
}

// BulkheadStatus is what a [Bulkhead] holds at one moment.
type BulkheadStatus struct {
	// InUse is how many permits are out. They are more than the limit for as long
	// as calls are under way that began before it was lowered.
	InUse int
	// Waiting is how many calls wait for a permit.
	Waiting int
}

// configure takes new settings in place: who has a permit keeps it, and who waits
// may wait as long as before.
func (b *Bulkhead) configure(spec policy.Bulkhead) {
	spec.Name = b.Name()
	b.spec.Store(&spec)
	b.permits.Configure(bulkhead.Settings{Limit: spec.MaxConcurrent, Reserve: spec.Reserved(), MaxWait: spec.MaxWait})
}

// has reports whether the bulkhead was made from settings that mean the same.
func (b *Bulkhead) has(spec policy.Bulkhead) bool { return spec == *b.spec.Load() }
