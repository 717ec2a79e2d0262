package cladotel

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cladgo/clad/internal/printable"
)

// other is the label of what has come too late for one of its own.
const other = "_OTHER"

// longest is how long a label may be.
const longest = 200

// names gives each name a label, and what goes with it, up to a bound; later ones
// share one. A label is never given back, as the series of a histogram aren't.
type names[T any] struct {
	max  int
	make func(label string) T

	known atomic.Pointer[map[string]T] // is replaced, not changed
	mu    sync.Mutex
	rest  T
	full  bool
}

func newNames[T any](limit int, make func(label string) T) *names[T] {
	n := &names[T]{max: limit, make: make}
	n.known.Store(&map[string]T{})
	return n
}

// of returns what goes with the label of a name.
func (n *names[T]) of(name string) T {
	if t, ok := (*n.known.Load())[name]; ok {
		return t
	}
	return n.add(name)
}

func (n *names[T]) add(name string) T {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := *n.known.Load()
	if t, ok := known[name]; ok {
		return t
	}
	if len(known) >= n.max {
		if !n.full {
			n.rest, n.full = n.make(other), true
		}
		return n.rest
	}
	more := make(map[string]T, len(known)+1)
	maps.Copy(more, known)
	t := n.make(labelOf(name))
	more[strings.Clone(name)] = t
	n.known.Store(&more)
	return t
}

// all yields what goes with each label.
func (n *names[T]) all(yield func(T) bool) {
	for _, t := range *n.known.Load() {
		if !yield(t) {
			return
		}
	}
	n.mu.Lock()
	rest, full := n.rest, n.full
	n.mu.Unlock()
	if full {
		yield(rest)
	}
}

// labelOf is a name as a label, whatever it holds: Prometheus refuses a whole
// scrape for one that is not UTF-8.
func labelOf(name string) string {
	label := printable.Text(name)
	if len(label) > longest {
		label = strings.ToValidUTF8(label[:longest], "") + "..."
	}
	return label
}
