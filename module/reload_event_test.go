package module_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/module"
)

// Who listens to the orchestrator hears of every reload once, also of those that
// never came to it.
func TestReloadsAreEvents(t *testing.T) {
	var mu sync.Mutex
	var told []bool
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(told)
	}
	closed := false
	s := open(t, attemptsOf("3"), module.WithContainer(
		container.OnEvent(func(_ context.Context, e container.Event) {
			if reloaded, ok := e.(container.Reloaded); ok {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, reloaded.Err == nil)
			}
		}),
		container.Attach(func(*container.Orchestrator) func() { return func() { closed = true } })))
	for n, text := range []string{attemptsOf("4"), "policies: ][", attemptsOf("5"), "policies: {}"} {
		s.save(text)
		eventually(t, func() bool { return count() > n })
	}
	if want := []bool{true, false, true, false}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	s.app.RequireStop()
	if !closed {
		t.Error("the application stopped without closing its orchestrator")
	}
}
