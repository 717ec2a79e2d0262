package container

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cladgo/clad/internal/budget"
	"github.com/cladgo/clad/internal/counters"
	"github.com/cladgo/clad/internal/latency"
	"github.com/cladgo/clad/policy"
)

// program is a policy compiled for one operation: its layers, flat, outermost
// first, with their state looked up. It never changes; a new policy is a new
// program. A nil program has nothing to do.
type program struct {
	policy      policy.Policy
	steps       []step
	leaving     []*step // those that a success must tell, innermost first
	operation   string
	dependency  string // the type of what is wrapped
	counters    *counters.Counters
	events      *events
	fallback    *fallbackRule
	alone       *program       // the same without its hedge; nil where there is none
	partitioned *partitioned   // nil where all calls share one state, as those of a partition
	partition   *partition     // whose program it is, nil for the whole's
	answers     *lastAnswers   // nil where none are kept
	shadow      *Pipeline      // the candidate's of a dry run; nil where there is none
	budget      *budget.Budget // that counts operations, if retries have one
	key         string         // the header of an idempotency key
	breaks      bool           // there is a circuit breaker
	refuses     bool           // there is a layer that may refuse an attempt
	adapts      bool           // there is one that goes by how long attempts take
	observed    bool           // somebody wants to know how long calls take
	part        bool           // of another, whose attempts its calls are
	byContext   bool           // the caller's context may say of which partition a call is
	once        bool           // never again once an attempt may have reached the dependency

	large    bool  // the steps need more than a Call has:
	words    int32 // how many words of it
	contexts int32 // how many contexts
}

// step is one layer of a program. Which fields count depends on the kind. What
// it remembers of a call stands in the Call, from slot on.
type step struct {
	kind    kind
	permit  uint8 // the bit of the bulkhead's permit in Call.permits
	slot    int32
	timeout time.Duration // or, of a breaker, what bounds the attempts within; of old answers, how old
	// layer is what the kind says. One interface, and not a pointer for each kind, of
	// which a program would hold many that are nil.
	layer any
}

// isTold reports whether a success must tell the layer.
func (s *step) isTold() bool {
	return s.kind == breakerLayer || s.kind == timeoutLayer || s.kind == bulkheadLayer
}

func (s *step) retry() *retryStep        { return s.layer.(*retryStep) }
func (s *step) breaker() *CircuitBreaker { return s.layer.(*CircuitBreaker) }
func (s *step) limiter() *RateLimiter    { return s.layer.(*RateLimiter) }
func (s *step) bulkhead() *Bulkhead      { return s.layer.(*Bulkhead) }
func (s *step) errors() *errorsStep      { return s.layer.(*errorsStep) }
func (s *step) hedge() *hedgeStep        { return s.layer.(*hedgeStep) }
func (s *step) chaos() *chaosStep        { return s.layer.(*chaosStep) }

// kind says which layer a step is. A new kind of layer is a new file with its
// enter and exit, a case in compile, and one each in Call.enter and Call.exit; if it
// holds something until the call ends, also in Call.succeed (and so in
// program.leaving) and Call.abandon:
// a switch rather than an interface, because what goes through an interface
// cannot stay on the caller's stack.
type kind uint8

const (
	retryLayer kind = iota
	breakerLayer
	limiterLayer
	timeoutLayer
	errorsLayer
	chaosLayer
	staleLayer
	bulkheadLayer
	hedgeLayer // the last: what stands within is a program of its own
)

// resources finds the state of a policy's layers: what is named is shared, what
// is not belongs to the resources' owner. n numbers the layers of a kind in a
// policy from the outside.
type resources interface {
	circuitBreaker(spec policy.CircuitBreaker, n int) (*CircuitBreaker, error)
	rateLimiter(spec policy.RateLimit, n int) (*RateLimiter, error)
	bulkhead(spec policy.Bulkhead, n int) (*Bulkhead, error)
	adaptiveLimit(spec policy.AdaptiveLimit, n int) *Bulkhead
	retryBudget() (b *budget.Budget, dependency string)
	// hedging returns what hedges of an operation go by; ok is false where it is
	// not hedged.
	hedging(operation string) (b *budget.Budget, l *latency.Recorder, ok bool)
	chaos(spec policy.Chaos, operation string, n int) *chaosStep
	namedErrors() map[string]error
}

// compile turns p into a program for an operation, or nil where there is nothing
// to do. All mistakes are reported at once.
func compile(p policy.Policy, operation string, r resources) (*program, error) {
	layers := policy.Layers(p) // none of nil
	if len(layers) == 0 {
		return nil, nil
	}
	if err := p.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	prog, err := compileLayers(layers, operation, r, new(numbers))
	if err != nil {
		return nil, err
	}
	prog.policy = p
	return prog, nil
}

// numbers are how many layers of each kind stand further out.
type numbers struct{ breakers, limiters, bulkheads, adaptive, chaos int }

func compileLayers(layers []policy.Policy, operation string, r resources, n *numbers) (*program, error) {
	prog := &program{operation: operation, steps: make([]step, 0, len(layers))}
	var errs []error
layers:
	for i, layer := range layers {
		var s step
		var err error
		switch layer := layer.(type) {
		case policy.Retry:
			s = step{kind: retryLayer, layer: newRetryStep(layer), slot: prog.words}
			prog.words += retryWords
			prog.key = cmp.Or(prog.key, layer.IdempotencyKey)
			if layer.Budget > 0 {
				s.retry().budget, s.retry().dependency = r.retryBudget()
				prog.budget = s.retry().budget
			}
		case policy.CircuitBreaker:
			s = step{kind: breakerLayer, slot: prog.words}
			prog.breaks, prog.refuses = true, true
			s.layer, err = r.circuitBreaker(layer, n.breakers)
			n.breakers++
			prog.words++
		case policy.RateLimit:
			s = step{kind: limiterLayer}
			prog.refuses = true
			s.layer, err = r.rateLimiter(layer, n.limiters)
			n.limiters++
		case policy.Bulkhead:
			s = step{kind: bulkheadLayer, permit: 1 << n.bulkheads}
			prog.refuses = true
			if n.bulkheads == maxBulkheads {
				err = fmt.Errorf("more than %d bulkheads in one policy", maxBulkheads)
				break
			}
			s.layer, err = r.bulkhead(layer, n.bulkheads-n.adaptive)
			n.bulkheads++
		case policy.AdaptiveLimit:
			s = step{kind: bulkheadLayer, permit: 1 << n.bulkheads} // with a limit that moves
			prog.refuses, prog.adapts = true, true
			if n.bulkheads == maxBulkheads {
				err = fmt.Errorf("more than %d bulkheads in one policy", maxBulkheads)
				break
			}
			s.layer = r.adaptiveLimit(layer, n.adaptive)
			n.bulkheads++
			n.adaptive++
		case policy.Timeout:
			s = step{kind: timeoutLayer, timeout: time.Duration(layer), slot: prog.contexts}
			prog.contexts++
		case policy.Errors:
			s = step{kind: errorsLayer}
			s.layer, err = newErrorsStep(layer, r.namedErrors())
		case policy.Chaos:
			s = step{kind: chaosLayer, layer: r.chaos(layer, operation, n.chaos)}
			n.chaos++
		case policy.Stale:
			s = step{kind: staleLayer, timeout: time.Duration(layer)}
		case policy.Hedge:
			spent, taken, ok := r.hedging(operation)
			if !ok {
				continue
			}
			within, err := compileLayers(layers[i+1:], operation, r, n)
			if err != nil {
				return nil, errors.Join(append(errs, err)...)
			}
			within.part = true
			prog.refuses, prog.adapts = prog.refuses || within.refuses, prog.adapts || within.adapts
			prog.steps = append(prog.steps, step{kind: hedgeLayer, layer: newHedgeStep(layer, within, spent, taken)})
			break layers
		default:
			err = fmt.Errorf("a layer of type %T is not known here", layer)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", operation, err))
		}
		prog.steps = append(prog.steps, s)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	prog.boundProbes()
	prog.large = prog.words > inlineWords || prog.contexts > inlineContexts
	told := 0
	for i := range prog.steps {
		if prog.steps[i].isTold() {
			told++
		}
	}
	if told > 0 {
		prog.leaving = make([]*step, 0, told)
	}
	for i := len(prog.steps) - 1; i >= 0; i-- {
		if s := &prog.steps[i]; s.isTold() {
			prog.leaving = append(prog.leaving, s)
		}
	}
	return prog, nil
}

// versions yields a program and the same without its hedge, as far as there are any.
func (p *program) versions(yield func(*program) bool) {
	if p != nil && yield(p) && p.alone != nil {
		yield(p.alone)
	}
}

// hasLayer reports whether a policy has a layer of a kind.
func hasLayer[L policy.Policy](p policy.Policy) bool {
	return slices.ContainsFunc(policy.Layers(p), func(layer policy.Policy) bool {
		_, ok := layer.(L)
		return ok
	})
}

// boundProbes notes with each breaker the timeout that bounds an attempt of what
// stands within, if one does.
func (p *program) boundProbes() {
	for i := range p.steps {
		if p.steps[i].kind != breakerLayer {
			continue
		}
		for _, inner := range p.steps[i+1:] {
			if inner.kind == timeoutLayer {
				p.steps[i].timeout = inner.timeout
			}
			if inner.kind == timeoutLayer || inner.kind == retryLayer {
				break
			}
		}
	}
}
