package container

import (
	"errors"
	"sync"

	"github.com/cladgo/clad/policy"
)

// operation is what the orchestrator remembers of an id given to For: the
// pipelines made for it, and the state of their unnamed breakers and limiters.
type operation struct {
	mu       sync.RWMutex
	made     []variant // most recent last
	owner    *owner
	counters *counters
}

type variant struct {
	policy   policy.Policy
	pipeline *Pipeline
}

// maxVariants is how many different policies of one operation are remembered.
// An operation has a handful (one per method of payment, say); one that invents
// a new policy at each call must not fill the memory.
const maxVariants = 64

// For returns the pipeline of p for an operation. It is made at the first call
// and found again by the operation's id and an equal policy, so a policy may be
// built anew each time. Two operations never share an unnamed breaker or
// limiter, however alike their policies.
func (o *Orchestrator) For(id string, p policy.Policy) (policy.Runner, error) {
	known, ok := o.operations.Load(id)
	if !ok {
		if id == "" {
			return nil, errors.New("an operation needs an id: it names the operation in errors and metrics and owns its state")
		}
		known, _ = o.operations.LoadOrStore(id, &operation{owner: newOwner(o, id), counters: o.countersOf(id)})
	}
	op := known.(*operation)
	if pipeline := op.find(p); pipeline != nil {
		return pipeline, nil
	}
	return op.make(o, id, p)
}

func (op *operation) find(p policy.Policy) *Pipeline {
	op.mu.RLock()
	defer op.mu.RUnlock()
	return op.among(p)
}

func (op *operation) among(p policy.Policy) *Pipeline {
	for i := len(op.made) - 1; i >= 0; i-- {
		if policy.Equal(op.made[i].policy, p) {
			return op.made[i].pipeline
		}
	}
	return nil
}

func (op *operation) make(o *Orchestrator, id string, p policy.Policy) (policy.Runner, error) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if pipeline := op.among(p); pipeline != nil {
		return pipeline, nil // somebody was first
	}
	prog, err := o.compile(p, id, op.owner)
	if err != nil {
		return nil, err
	}
	pipeline := &Pipeline{counters: op.counters}
	pipeline.prog.Store(prog)
	if len(op.made) == maxVariants {
		op.made = append(op.made[:0], op.made[1:]...)
	}
	op.made = append(op.made, variant{p, pipeline})
	return pipeline, nil
}

// owner owns unnamed breakers and limiters: a tagged service, an operation, or
// a policy of the catalog that is run by its name.
type owner struct {
	orchestrator *Orchestrator
	name         string

	mu       sync.Mutex
	breakers []owned[policy.CircuitBreaker, *CircuitBreaker]
	limiters []owned[policy.RateLimit, *RateLimiter]
}

// owned is a thing with what it was made from: the policy it stands in, its
// place there, and its settings.
type owned[S comparable, T any] struct {
	policy string
	n      int
	spec   S
	thing  T
}

func newOwner(o *Orchestrator, name string) *owner { return &owner{orchestrator: o, name: name} }

// under returns the owner's things for one named policy.
func (w *owner) under(policyName string) resources { return ownedUnder{w, policyName} }

func (w *owner) circuitBreaker(spec policy.CircuitBreaker, n int) (*CircuitBreaker, error) {
	return w.under("").circuitBreaker(spec, n)
}

func (w *owner) rateLimiter(spec policy.RateLimit, n int) (*RateLimiter, error) {
	return w.under("").rateLimiter(spec, n)
}

type ownedUnder struct {
	*owner
	policy string
}

func (u ownedUnder) circuitBreaker(spec policy.CircuitBreaker, n int) (*CircuitBreaker, error) {
	if spec.Name != "" {
		return u.orchestrator.namedBreaker(spec)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return remember(&u.breakers, u.policy, n, spec, func() *CircuitBreaker {
		return newCircuitBreaker(u.name, spec, u.orchestrator.transitions)
	}), nil
}

func (u ownedUnder) rateLimiter(spec policy.RateLimit, n int) (*RateLimiter, error) {
	if spec.Name != "" {
		return u.orchestrator.namedLimiter(spec)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return remember(&u.limiters, u.policy, n, spec, func() *RateLimiter {
		return newRateLimiter(u.name, spec)
	}), nil
}

// remember returns the thing made for the same place and settings before, or
// makes it.
func remember[S comparable, T any](things *[]owned[S, T], policyName string, n int, spec S, make func() T) T {
	for _, known := range *things {
		if known.policy == policyName && known.n == n && known.spec == spec {
			return known.thing
		}
	}
	thing := make()
	if len(*things) == maxVariants {
		*things = append((*things)[:0], (*things)[1:]...)
	}
	*things = append(*things, owned[S, T]{policyName, n, spec, thing})
	return thing
}
