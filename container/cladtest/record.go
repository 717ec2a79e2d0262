package cladtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
)

// Record keeps what happened to operations, for a test to look at. It is an option of
// the orchestrator whose operations are meant, and is safe for use by many goroutines.
type Record struct {
	option

	t testing.TB

	mu      sync.Mutex // guards:
	entries []entry
}

// entry is one thing that happened, or how an operation ended.
type entry struct {
	operation string
	event     container.Event
	completed *container.Completed
}

// NewRecord returns an empty record for a test.
func NewRecord(t testing.TB) *Record {
	r := &Record{t: t}
	r.option = container.Options(
		container.OnEvent(func(_ context.Context, event container.Event) {
			r.add(entry{operation: operationOf(event), event: event})
		}),
		container.OnCompleted(func(_ context.Context, done container.Completed) {
			r.add(entry{operation: done.Operation, completed: &done})
		}),
	)
	return r
}

func (r *Record) add(e entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
}

// of returns what concerns an operation; "" is all.
func (r *Record) of(operation string) []entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if operation == "" {
		return slices.Clone(r.entries)
	}
	return slices.DeleteFunc(slices.Clone(r.entries), func(e entry) bool { return e.operation != operation })
}

// Events returns what happened to an operation, in the order in which it was told of;
// of "", everything, transitions and reloads too.
func (r *Record) Events(operation string) (events []container.Event) {
	for _, e := range r.of(operation) {
		if e.event != nil {
			events = append(events, e.event)
		}
	}
	return events
}

// Completed returns how the calls of an operation ended, in that order; of "", those of
// all.
func (r *Record) Completed(operation string) (done []container.Completed) {
	for _, e := range r.of(operation) {
		if e.completed != nil {
			done = append(done, *e.completed)
		}
	}
	return done
}

// Attempts returns how many attempts each call of an operation took that has ended, in
// that order: 0 for one that was refused before it reached the dependency.
func (r *Record) Attempts(operation string) (attempts []int) {
	for _, done := range r.Completed(operation) {
		attempts = append(attempts, done.Attempts)
	}
	return attempts
}

// AssertAttempts fails the test unless the calls of an operation took so many attempts,
// in the order in which they ended, and tells the story of what happened instead.
func (r *Record) AssertAttempts(operation string, want ...int) {
	r.t.Helper()
	if got := r.Attempts(operation); !slices.Equal(got, want) {
		r.t.Errorf("%s: the calls took %v attempts, want %v%s", operation, got, want, r.story(operation))
	}
}

// story tells what happened to an operation, a line each.
func (r *Record) story(operation string) string {
	entries := r.of(operation)
	var b strings.Builder
	if len(entries) == 0 {
		b.WriteString("; nothing happened to it")
		if all := r.of(""); len(all) > 0 {
			var names []string
			for _, e := range all {
				if e.operation != "" {
					names = append(names, e.operation)
				}
			}
			slices.Sort(names)
			fmt.Fprintf(&b, ", but to: %s", strings.Join(slices.Compact(names), ", "))
		}
		return b.String()
	}
	b.WriteString("; what happened:")
	for _, e := range entries {
		b.WriteString("\n    " + e.String())
	}
	return b.String()
}

func (e entry) String() string {
	if e.completed == nil {
		return sentence(e.event)
	}
	d := e.completed
	end := "success"
	switch {
	case d.Panicked:
		end = "a panic"
	case d.Cancelled:
		end = "cancelled by the caller"
	case d.Err != nil:
		end = d.Err.Error()
	}
	return fmt.Sprintf("= after %d attempts and %v: %s", d.Attempts, d.Duration.Round(time.Microsecond), end)
}
