package container

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cladgo/clad/policy"
)

// edit is a change of an orchestrator's registry: prepared whole, with every
// mistake found, and then made in one step or not at all.
type edit struct {
	o        *Orchestrator
	catalog  policy.Catalog // as it will be
	meaning  map[string]unit
	claimed  map[any]bool // things of owners that stay as they are
	changed  map[any]any  // and those that take other settings
	commits  []func()
	undo     []func() // in the order of what was done
	messages []func() // for the log, which is not ours to call under a lock
}

// edit makes a change under the registry's lock. What prepare wants done goes to
// commits; it is done if prepare returns nil. Listeners and the log hear of it
// when the lock is free.
func (o *Orchestrator) edit(prepare func(*edit) error) error {
	e := &edit{o: o, claimed: map[any]bool{}, changed: map[any]any{}}
	if err := o.make(e, prepare); err != nil {
		return err
	}
	for _, say := range e.messages {
		say()
	}
	return nil
}

func (o *Orchestrator) make(e *edit, prepare func(*edit) error) error {
	o.transitions.hold()
	defer o.transitions.release()
	o.mu.Lock()
	defer o.mu.Unlock()
	e.catalog, e.meaning = o.catalog, o.services.meaning
	done := false
	defer func() { // also when a panic of a policy's user comes through here
		if !done {
			for _, undo := range slices.Backward(e.undo) {
				undo()
			}
		}
	}()
	if err := prepare(e); err != nil {
		return err
	}
	done = true
	for _, commit := range e.commits {
		commit()
	}
	o.catalog, o.services.meaning = e.catalog, e.meaning
	return nil
}

func (e *edit) on(commit func()) { e.commits = append(e.commits, commit) }

// undoes notes how to take back what was done at once, under the lock.
func (e *edit) undoes(undo func()) { e.undo = append(e.undo, undo) }

func (e *edit) change(thing, spec any) { e.changed[thing] = spec }

func (e *edit) say(message func()) { e.messages = append(e.messages, message) }

func (e *edit) register(name string, spec policy.CircuitBreaker) error {
	if err := checkName("circuit breaker", name, spec.Name, spec.Validate()); err != nil {
		return err
	}
	e.o.breakers.put(e, name, spec, (*CircuitBreaker).configure, e.newBreaker)
	assign(e, e.o.breakers.inCode, name, spec)
	return nil
}

func (e *edit) registerLimiter(name string, spec policy.RateLimit) error {
	if err := checkName("rate limiter", name, spec.Name, rateRequired(spec)); err != nil {
		return err
	}
	e.o.limiters.put(e, name, spec, (*RateLimiter).configure, newRateLimiter)
	assign(e, e.o.limiters.inCode, name, spec)
	return nil
}

func (e *edit) newBreaker(name string, spec policy.CircuitBreaker) *CircuitBreaker {
	return newCircuitBreaker(name, spec, e.o.transitions)
}

// circuitBreaker finds the state of a layer, the n-th breaker from the outside
// in the policy named; "" stands for one that is in no catalog. A named breaker
// is shared; an unnamed one is the owner's. A catalog has declared what it
// names; another policy that also describes what it names makes it.
func (e *edit) circuitBreaker(w *owner, policyName string, spec policy.CircuitBreaker, n int) (*CircuitBreaker, error) {
	if spec.Name == "" {
		return own(e, e.o.breakers, &w.breakers, policyName, n, spec, (*CircuitBreaker).configure, func() *CircuitBreaker {
			return e.newBreaker(e.o.breakers.free(nameFor(w, policyName, n, spec, breakerLayerOf)), spec)
		}), nil
	}
	b, ok := e.o.breakers.known[spec.Name]
	switch {
	case ok && (policyName != "" || spec.IsReference() || b.has(spec)):
		return b, nil
	case ok:
		return nil, differs("circuit breaker", spec.Name)
	case spec.IsReference():
		return nil, unknown("circuit breaker", spec.Name, e.o.breakers.known)
	}
	return e.o.breakers.put(e, spec.Name, spec, (*CircuitBreaker).configure, e.newBreaker), nil
}

func (e *edit) rateLimiter(w *owner, policyName string, spec policy.RateLimit, n int) (*RateLimiter, error) {
	if spec.Name == "" {
		return own(e, e.o.limiters, &w.limiters, policyName, n, spec, (*RateLimiter).configure, func() *RateLimiter {
			return newRateLimiter(e.o.limiters.free(nameFor(w, policyName, n, spec, limiterLayerOf)), spec)
		}), nil
	}
	l, ok := e.o.limiters.known[spec.Name]
	switch {
	case ok && (policyName != "" || spec.IsReference() || l.has(spec)):
		return l, nil
	case ok:
		return nil, differs("rate limiter", spec.Name)
	case spec.IsReference():
		return nil, unknown("rate limiter", spec.Name, e.o.limiters.known)
	}
	return e.o.limiters.put(e, spec.Name, spec, (*RateLimiter).configure, newRateLimiter), nil
}

func differs(what, name string) error {
	return fmt.Errorf("%s %q has other settings elsewhere; name it alone to share it, or give this one another name", what, name)
}

// compile turns a policy into a program for an operation of an owner.
func (e *edit) compile(p policy.Policy, policyName, operation string, w *owner) (*program, error) {
	prog, err := compile(p, operation, ownedBy{e, w, policyName})
	if prog == nil || err != nil {
		return nil, err
	}
	prog.counters = e.o.counters.Of(operation)
	prog.events = e.o.events
	prog.timed = len(e.o.events.completed)+len(e.o.events.begin) > 0
	return prog, nil
}

// choose returns the policy of a name in the catalog as it will be.
func (e *edit) choose(name string) (policy.Policy, error) { return choice(e.catalog, name) }

// ownedBy finds the resources of one policy of one owner.
type ownedBy struct {
	*edit
	owner  *owner
	policy string
}

func (r ownedBy) circuitBreaker(spec policy.CircuitBreaker, n int) (*CircuitBreaker, error) {
	return r.edit.circuitBreaker(r.owner, r.policy, spec, n)
}

func (r ownedBy) rateLimiter(spec policy.RateLimit, n int) (*RateLimiter, error) {
	return r.edit.rateLimiter(r.owner, r.policy, spec, n)
}

func (r ownedBy) namedErrors() map[string]error { return r.edit.o.errors }

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
