package container

import (
	"errors"
	"slices"
	"sync/atomic"

	"github.com/cladgo/clad/internal/counters"
	"github.com/cladgo/clad/policy"
)

// operation is what the orchestrator remembers of an id given to For: the
// pipelines made for it, and the state of their unnamed breakers and limiters.
type operation struct {
	owner    *owner
	counters *counters.Counters

	made atomic.Pointer[[]variant] // most recent last; changed by edits, as a whole
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
		known, _ = o.operations.LoadOrStore(id, &operation{owner: newOwner(id), counters: o.counters.Of(id)})
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
	made := op.made.Load()
	if made == nil {
		return nil
	}
	for _, v := range slices.Backward(*made) {
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

// remember is for edits.
func (op *operation) remember(v variant) {
	var made []variant
	if known := op.made.Load(); known != nil {
		made = (*known)[max(0, len(*known)+1-maxVariants):]
	}
	made = append(slices.Clone(made), v)
	op.made.Store(&made)
}

// forget drops the pipelines, which may hold what a profile no longer has; the
// owner's things stay. It is for edits.
func (op *operation) forget() { op.made.Store(nil) }
