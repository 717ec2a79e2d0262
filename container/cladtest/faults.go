package cladtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/suggest"
)

type option = container.Option // so that embedding it shows no field

// Faults make attempts of operations fail, be slow, hang or panic, as a test programs
// them. They are an option of the orchestrator whose operations are meant, and may be
// programmed at any time, from any goroutine. What happens to an attempt happens to
// it innermost, where the dependency would be called, so that every layer of the policy
// takes it for the dependency's doing.
//
// Only operations that have a policy have attempts. A fault that no attempt has met
// when the test ends fails it, with the names that there were.
type Faults struct {
	option

	t     testing.TB
	ended chan struct{} // with the test

	mu     sync.Mutex // guards:
	faults []*fault
	seen   map[string]int // attempts by operation
}

// fault is one that is programmed.
type fault struct {
	target string
	count  int            // of the attempts that it was asked about
	hits   func(int) bool // by the attempt's number since, from 1
	act    func(context.Context) error
	met    bool
}

// NewFaults returns faults for a test, none so far.
func NewFaults(t testing.TB) *Faults {
	f := &Faults{t: t, ended: make(chan struct{}), seen: make(map[string]int)}
	f.option = container.BeforeAttempt(f.before)
	t.Cleanup(f.end)
	return f
}

// Attempts choose what a fault happens to. Each of its methods that makes a fault
// programs one, beside those that are there: the earlier come first, so that a delay
// and then a failure make a slow failure.
type Attempts struct {
	faults *Faults
	target string
	hits   func(int) bool
}

// On chooses all attempts of an operation from now on: "payments.Gateway.Charge", or the
// id given to For and Execute. The name of a service, "payments.Gateway", is all its
// methods, and "*" is every operation.
func (f *Faults) On(operation string) Attempts {
	return Attempts{f, operation, func(int) bool { return true }}
}

// Nth chooses the attempts of these numbers alone, counted from now on; 1 is the next.
func (a Attempts) Nth(numbers ...int) Attempts {
	if len(numbers) == 0 || slices.Min(numbers) < 1 {
		panic(fmt.Sprintf("cladtest: attempts count from 1, not %v", numbers))
	}
	numbers = slices.Clone(numbers)
	return Attempts{a.faults, a.target, func(n int) bool { return slices.Contains(numbers, n) }}
}

// First chooses the next n attempts.
func (a Attempts) First(n int) Attempts {
	return Attempts{a.faults, a.target, func(i int) bool { return i <= n }}
}

// After chooses all attempts but the next n.
func (a Attempts) After(n int) Attempts {
	return Attempts{a.faults, a.target, func(i int) bool { return i > n }}
}

// Fail has the dependency return err, without being called.
func (a Attempts) Fail(err error) {
	if err == nil {
		panic("cladtest: Fail wants an error")
	}
	a.Do(func(context.Context) error { return err })
}

// Delay has the dependency take d longer. A context that ends meanwhile ends the
// attempt with its error.
func (a Attempts) Delay(d time.Duration) {
	a.Do(func(ctx context.Context) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// Hang has the dependency not come back until the attempt's context ends, whose error
// it returns then. What still hangs when the test ends comes back as well.
func (a Attempts) Hang() {
	ended := a.faults.ended
	a.Do(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ended:
			return errors.New("cladtest: the test ended while this attempt hung")
		}
	})
}

// Panic has the dependency panic with v.
func (a Attempts) Panic(v any) {
	a.Do(func(context.Context) error { panic(v) })
}

// Do has do called in place of the dependency if it returns an error, and else before
// it, in the goroutine of the attempt and with its context. A function that heeds no
// context makes a dependency that does not either.
func (a Attempts) Do(do func(ctx context.Context) error) {
	f := a.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, &fault{target: a.target, hits: a.hits, act: do})
}

// Clear takes back all faults: the dependencies are well again.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range f.faults {
		known.hits = func(int) bool { return false }
	}
}

func (f *Faults) before(ctx context.Context, operation string) error {
	for _, act := range f.acts(operation) {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// acts are what is to happen to the attempt at hand. No lock is held while it does.
func (f *Faults) acts(operation string) (acts []func(context.Context) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[operation]++
	for _, known := range f.faults {
		if !known.means(operation) {
			continue
		}
		if known.count++; known.hits(known.count) {
			known.met = true
			acts = append(acts, known.act)
		}
	}
	return acts
}

func (f *fault) means(operation string) bool {
	rest, ok := strings.CutPrefix(operation, f.target)
	return f.target == "*" || ok && (rest == "" || rest[0] == '.' || rest[0] == '/')
}

// end fails the test if it programmed what never happened.
func (f *Faults) end() {
	f.t.Helper()
	close(f.ended)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, known := range f.faults {
		if known.met {
			continue
		}
		names := slices.Sorted(maps.Keys(f.seen))
		switch {
		case known.count > 0:
			f.t.Errorf("cladtest: a fault on %q has met none of its %d attempts", known.target, known.count)
		case len(names) == 0:
			f.t.Errorf("cladtest: a fault on %q has met no attempt: there was none of any operation that has a policy; are the faults an option of the orchestrator?", known.target)
		default:
			f.t.Errorf("cladtest: a fault on %q has met no attempt%s; there were attempts of: %s",
				known.target, suggest.DidYouMean(known.target, names), strings.Join(names, ", "))
		}
	}
}
