package container

import (
	"errors"
	"slices"
	"sync"

	"github.com/cladgo/clad/policy"
)

// operation is what the orchestrator remembers of an id given to For: the
// pipelines made for it, and the state of their unnamed breakers and limiters.
type operation struct {
	owner    *owner
	counters *counters

	mu   sync.RWMutex
	made []variant // most recent last
}

type variant struct {
	policy   policy.Policy
	pipeline *Pipeline
}

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
		known, _ = o.operations.LoadOrStore(id, &operation{owner: newOwner(id), counters: o.tally.of(id)})
	}
	op := known.(*operation)
	if pipeline := op.find(p); pipeline != nil {
		return pipeline, nil
	}
	pipeline, err := op.make(o, id, p)
	if err != nil {
		return nil, err
	}
	return pipeline, nil
}

func (op *operation) find(p policy.Policy) *Pipeline {
	op.mu.RLock()
	defer op.mu.RUnlock()
	for _, v := range slices.Backward(op.made) {
		if policy.Equal(v.policy, p) {
			return v.pipeline
		}
	}
	return nil
}

func (op *operation) make(o *Orchestrator, id string, p policy.Policy) (pipeline *Pipeline, err error) {
	err = o.edit(func(e *edit) error {
		if pipeline = op.find(p); pipeline != nil {
			return nil // somebody was first
		}
		prog, err := e.compile(p, "", id, op.owner)
		if err != nil {
			return err
		}
		pipeline = &Pipeline{counters: op.counters}
		pipeline.prog.Store(prog)
		op.remember(variant{p, pipeline})
		return nil
	})
	return pipeline, err
}

func (op *operation) remember(v variant) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if len(op.made) == maxVariants {
		op.made = append(op.made[:0], op.made[1:]...)
	}
	op.made = append(op.made, v)
}

// forget drops the pipelines, which may hold what a profile no longer has; the
// owner's things stay.
func (op *operation) forget() {
	op.mu.Lock()
	defer op.mu.Unlock()
	op.made = nil
}
