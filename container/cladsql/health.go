package cladsql

import "sync/atomic"

// health is what the connections of a database have heard of it.
type health struct {
	// losses grows when a connection is lost that no earlier loss explains.
	// Connections that the same restart has taken are one event: those made
	// before it are looked at before they are used again.
	losses atomic.Uint64
	// failures counts the connections lost and the time-outs since anything
	// last went well.
	failures atomic.Uint32
	// open counts the connections that there are.
	open atomic.Int64
}

// manyFailures in a row are reason to mistrust every connection that was idle
// meanwhile: the server may hang, or be another one by now.
const manyFailures = 2

// lost notes that a connection was lost that was last seen well at a count of
// losses. It reports whether that is news.
func (h *health) lost(seen uint64) (news bool) {
	return h.losses.CompareAndSwap(seen, seen+1)
}

func (h *health) failed() { h.failures.Add(1) }

func (h *health) succeeded() {
	if h.failures.Load() != 0 {
		h.failures.Store(0)
	}
}
