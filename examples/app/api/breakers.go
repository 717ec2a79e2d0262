package api

import (
	"maps"
	"sync"
	"time"

	"github.com/cladgo/clad/policy"
)

// Breakers is a board with the state of each circuit breaker, as it was last
// told. (An open one becomes half-open when the next call comes.) The zero value
// is empty; it is safe for use by many goroutines.
type Breakers struct {
	mu     sync.Mutex
	byName map[string]Breaker
}

// Breaker is a line on the board.
type Breaker struct {
	State string    `json:"state"`
	Since time.Time `json:"since"`
}

// Set notes a state.
func (b *Breakers) Set(name string, s policy.State, since time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byName == nil {
		b.byName = make(map[string]Breaker)
	}
	b.byName[name] = Breaker{s.String(), since}
}

// All returns a copy of the board.
func (b *Breakers) All() map[string]Breaker {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.byName)
}
