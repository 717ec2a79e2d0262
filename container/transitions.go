package container

import (
	"context"
	"sync"
	"time"

	"github.com/cladgo/clad/policy"
)

// Transition is a change of a circuit breaker's state.
type Transition struct {
	// Name is the breaker's, and PartitionOf what [CircuitBreaker.PartitionOf] says.
	Name, PartitionOf string
	From, To          policy.State
	// At is when it happened.
	At time.Time
}

// transitions tells the listeners of every change: in order, one at a time, and
// outside every lock. Whoever causes a change while another goroutine is
// telling leaves it to that one.
type transitions struct {
	events *events

	mu      sync.Mutex
	waiting []Transition
	telling bool
	held    int // how many are at work who must not be interrupted
}

// add notes a change. It is called under the breaker's lock, which is what
// keeps the order; tell follows when that lock is free.
func (t *transitions) add(change Transition) {
	t.mu.Lock()
	t.waiting = append(t.waiting, change)
	t.mu.Unlock()
}

// hold has listeners wait until release, which tells them: for those who change
// breakers under a lock of their own.
func (t *transitions) hold() {
	t.mu.Lock()
	t.held++
	t.mu.Unlock()
}

func (t *transitions) release() {
	t.mu.Lock()
	t.held--
	t.mu.Unlock()
	t.tell()
}

func (t *transitions) tell() {
	t.mu.Lock()
	if t.telling || t.held > 0 {
		t.mu.Unlock()
		return
	}
	t.telling = true
	finished := false
	defer func() {
		if !finished { // a listener ended the goroutine
			t.mu.Lock()
			t.telling = false
			t.mu.Unlock()
		}
	}()
	for len(t.waiting) > 0 {
		change := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.mu.Unlock()
		t.events.log.Warn("circuit breaker changed state",
			"breaker", change.Name, "from", change.From.String(), "to", change.To.String())
		t.events.tell(context.Background(), change)
		t.mu.Lock()
	}
	t.waiting = nil
	t.telling = false
	finished = true
	t.mu.Unlock()
}
