package container

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cladgo/clad/internal/budget"
	"github.com/cladgo/clad/internal/latency"
	"github.com/cladgo/clad/policy"
)

// transaction is a change of an orchestrator's registry: prepared whole, with every
// mistake found, and then made in one step or not at all.
type transaction struct {
	o        *Orchestrator
	catalog  policy.Catalog  // as it will be
	meaning  map[string]unit // likewise, see services
	held     map[any]bool    // resources of owners that stay as they are
	changed  map[any]any     // and those that take other settings
	commits  []func()
	undo     []func() // in the order of what was done
	messages []func() // for the log, which is not ours to call under a lock

	room [2][4]func() // for the commits and the undo of a transaction of one pipeline
}

// transact makes a change under the registry's lock. What prepare wants done goes to
// commits; it is done if prepare returns nil. Listeners and the log hear of it
// when the lock is free.
func (o *Orchestrator) transact(prepare func(*transaction) error) error {
	tx := &transaction{o: o}
	tx.commits, tx.undo = tx.room[0][:0], tx.room[1][:0]
	if err := o.commit(tx, prepare); err != nil {
		return err
	}
	for _, message := range tx.messages {
		message()
	}
	return nil
}

func (o *Orchestrator) commit(tx *transaction, prepare func(*transaction) error) error {
	o.transitions.hold()
	defer o.transitions.release()
	o.mu.Lock()
	defer o.mu.Unlock()
	tx.catalog, tx.meaning = o.catalog, o.services.meaning
	done := false
	defer func() { // also when a panic of a policy's user comes through here
		if !done {
			for _, undo := range slices.Backward(tx.undo) {
				undo()
			}
		}
	}()
	if err := prepare(tx); err != nil {
		return err
	}
	done = true
	for _, commit := range tx.commits {
		commit()
	}
	o.catalog, o.services.meaning = tx.catalog, tx.meaning
	return nil
}

// onCommit notes what to do once the whole is known to be right.
func (tx *transaction) onCommit(commit func()) { tx.commits = append(tx.commits, commit) }

// onRollback notes how to take back what was done at once, under the lock.
func (tx *transaction) onRollback(undo func()) { tx.undo = append(tx.undo, undo) }

// reconfigure notes that a resource of an owner takes other settings.
func (tx *transaction) reconfigure(resource, spec any) {
	if tx.changed == nil {
		tx.changed = make(map[any]any)
	}
	tx.changed[resource] = spec
}

// hold notes that a resource of an owner stays as it is.
func (tx *transaction) hold(resource any) {
	if tx.held == nil {
		tx.held = make(map[any]bool)
	}
	tx.held[resource] = true
}

// afterwards notes what to log once the lock is free.
func (tx *transaction) afterwards(message func()) { tx.messages = append(tx.messages, message) }

func (tx *transaction) register(name string, spec policy.CircuitBreaker) error {
	if err := errors.Join(checkName("circuit breaker", name, spec.Name, spec.Validate()), tx.canShare("circuit breaker", name, spec.Shared)); err != nil {
		return err
	}
	tx.o.breakers.put(tx, name, spec, (*CircuitBreaker).configure, tx.newBreaker)
	assign(tx, tx.o.breakers.inCode, name, spec)
	if sh := tx.o.shadow; sh != nil {
		return sh.o.RegisterCircuitBreaker(name, spec)
	}
	return nil
}

func (tx *transaction) registerLimiter(name string, spec policy.RateLimit) error {
	if err := errors.Join(checkName("rate limiter", name, spec.Name, rateRequired(spec)), tx.canShare("rate limiter", name, spec.Shared)); err != nil {
		return err
	}
	tx.o.limiters.put(tx, name, spec, (*RateLimiter).configure, tx.newLimiter)
	assign(tx, tx.o.limiters.inCode, name, spec)
	if sh := tx.o.shadow; sh != nil {
		return sh.o.RegisterRateLimiter(name, limitWithoutWait(spec))
	}
	return nil
}

func (tx *transaction) registerBulkhead(name string, spec policy.Bulkhead) error {
	if err := checkName("bulkhead", name, spec.Name, permitsRequired(spec)); err != nil {
		return err
	}
	tx.o.bulkheads.put(tx, name, spec, (*Bulkhead).configure, newBulkhead)
	assign(tx, tx.o.bulkheads.inCode, name, spec)
	if sh := tx.o.shadow; sh != nil {
		return sh.o.RegisterBulkhead(name, spec)
	}
	return nil
}

func (tx *transaction) newBreaker(name string, spec policy.CircuitBreaker) *CircuitBreaker {
	b := newCircuitBreaker(name, spec, tx.o.transitions, tx.o.sharing)
	tx.onRollback(func() { b.share(policy.CircuitBreaker{}) })
	return b
}

func (tx *transaction) newLimiter(name string, spec policy.RateLimit) *RateLimiter {
	return newRateLimiter(name, spec, tx.o.sharing)
}

// circuitBreaker finds the state of a layer, the n-th breaker from the outside
// in the policy named; "" stands for one that is in no catalog. A named breaker
// is shared; an unnamed one is the owner's. A catalog has declared what it
// names; another policy that also describes what it names makes it.
func (tx *transaction) circuitBreaker(w *owner, policyName string, spec policy.CircuitBreaker, n int) (*CircuitBreaker, error) {
	if err := tx.canShare("circuit breaker", spec.Name, spec.Shared); err != nil {
		return nil, err
	}
	if spec.Name == "" {
		return resourceOf(tx, w, tx.o.breakers, &w.own().breakers, policyName, n, spec, (*CircuitBreaker).configure, func() *CircuitBreaker {
			return tx.newBreaker(tx.o.breakers.free(nameFor(w, policyName, n, spec, breakerLayerOf)), spec)
		}), nil
	}
	b, ok := tx.o.breakers.known[spec.Name]
	switch {
	case ok && (policyName != "" || spec.IsReference() || b.has(spec)):
		return b, nil
	case ok:
		return nil, differs("circuit breaker", spec.Name)
	case spec.IsReference():
		return nil, unknown("circuit breaker", spec.Name, tx.o.breakers.known)
	}
	return tx.o.breakers.put(tx, spec.Name, spec, (*CircuitBreaker).configure, tx.newBreaker), nil
}

func (tx *transaction) rateLimiter(w *owner, policyName string, spec policy.RateLimit, n int) (*RateLimiter, error) {
	if err := tx.canShare("rate limiter", spec.Name, spec.Shared); err != nil {
		return nil, err
	}
	if spec.Name == "" {
		return resourceOf(tx, w, tx.o.limiters, &w.own().limiters, policyName, n, spec, (*RateLimiter).configure, func() *RateLimiter {
			return tx.newLimiter(tx.o.limiters.free(nameFor(w, policyName, n, spec, limiterLayerOf)), spec)
		}), nil
	}
	l, ok := tx.o.limiters.known[spec.Name]
	switch {
	case ok && (policyName != "" || spec.IsReference() || l.has(spec)):
		return l, nil
	case ok:
		return nil, differs("rate limiter", spec.Name)
	case spec.IsReference():
		return nil, unknown("rate limiter", spec.Name, tx.o.limiters.known)
	}
	return tx.o.limiters.put(tx, spec.Name, spec, (*RateLimiter).configure, tx.newLimiter), nil
}

// canShare says what keeps a resource from being shared with other instances.
func (tx *transaction) canShare(what, name string, shared bool) error {
	switch {
	case !shared:
		return nil
	case name == "":
		return fmt.Errorf("a %s that is shared with other instances needs a name", what)
	case tx.o.sharing == nil:
		return fmt.Errorf("%s %q is shared with other instances, and there is no store to share it by; give one by container.WithStore or module.WithStore", what, name)
	}
	return nil
}

func (tx *transaction) bulkhead(w *owner, policyName string, spec policy.Bulkhead, n int) (*Bulkhead, error) {
	if spec.Name == "" {
		return resourceOf(tx, w, tx.o.bulkheads, &w.ownOthers().bulkheads, policyName, n, spec, (*Bulkhead).configure, func() *Bulkhead {
			return newBulkhead(tx.o.bulkheads.free(nameFor(w, policyName, n, spec, bulkheadLayerOf)), spec)
		}), nil
	}
	b, ok := tx.o.bulkheads.known[spec.Name]
	switch {
	case ok && (policyName != "" || spec.IsReference() || b.has(spec)):
		return b, nil
	case ok:
		return nil, differs("bulkhead", spec.Name)
	case spec.IsReference():
		return nil, unknown("bulkhead", spec.Name, tx.o.bulkheads.known)
	}
	return tx.o.bulkheads.put(tx, spec.Name, spec, (*Bulkhead).configure, newBulkhead), nil
}

func differs(what, name string) error {
	return fmt.Errorf("%s %q has other settings elsewhere; name it alone to share it, or give this one another name", what, name)
}

// compile turns a policy into a program for an operation of an owner.
func (tx *transaction) compile(p policy.Policy, policyName, operation string, w *owner) (*program, error) {
	return tx.compileFor(p, policyName, operation, w, false)
}

// compileFor is compile for an operation that is hedged, or not.
func (tx *transaction) compileFor(p policy.Policy, policyName, operation string, w *owner, hedged bool) (*program, error) {
	prog, err := compile(p, operation, ownResources{tx, w, policyName, hedged})
	if prog == nil || err != nil {
		return nil, err
	}
	return tx.equip(prog), nil
}

// equip gives a program what it counts in, and whom it tells.
func (tx *transaction) equip(prog *program) *program {
	prog.counters = tx.o.counters.Of(prog.operation)
	prog.events = tx.o.events
	prog.observed = tx.o.events.observed()
	for _, s := range prog.steps {
		if s.kind == hedgeLayer {
			tx.equip(s.hedge().within).observed = false // it is told of as part of this one
		}
	}
	if prog.policy == nil {
		prog.policy = policy.None{}
	}
	return prog
}

// choose returns the policy of a name in the catalog as it will be.
func (tx *transaction) choose(name string) (policy.Policy, error) { return choice(tx.catalog, name) }

// ownResources finds the resources of one policy of one owner.
type ownResources struct {
	*transaction
	owner  *owner
	policy string
	hedged bool
}

func (r ownResources) circuitBreaker(spec policy.CircuitBreaker, n int) (*CircuitBreaker, error) {
	return r.transaction.circuitBreaker(r.owner, r.policy, spec, n)
}

func (r ownResources) rateLimiter(spec policy.RateLimit, n int) (*RateLimiter, error) {
	return r.transaction.rateLimiter(r.owner, r.policy, spec, n)
}

func (tx *transaction) adaptiveLimit(w *owner, policyName string, spec policy.AdaptiveLimit, n int) *Bulkhead {
	return resourceOf(tx, w, tx.o.adaptive, &w.ownOthers().adaptive, policyName, n, spec, (*Bulkhead).adapt, func() *Bulkhead {
		return newAdaptiveLimit(tx.o.bulkheads.free(nameFor(w, policyName, n, spec, adaptiveLimitOf)), spec)
	})
}

func (r ownResources) adaptiveLimit(spec policy.AdaptiveLimit, n int) *Bulkhead {
	return r.transaction.adaptiveLimit(r.owner, r.policy, spec, n)
}

func (r ownResources) bulkhead(spec policy.Bulkhead, n int) (*Bulkhead, error) {
	return r.transaction.bulkhead(r.owner, r.policy, spec, n)
}

func (r ownResources) retryBudget() (*budget.Budget, string) {
	return r.owner.retryBudget(), r.owner.name
}

func (r ownResources) hedging(operation string) (*budget.Budget, *latency.Recorder, bool) {
	if !r.hedged {
		return nil, nil, false
	}
	spent, taken := r.owner.hedging(operation)
	return spent, taken, true
}

func (r ownResources) namedErrors() map[string]error { return r.transaction.o.errors }
