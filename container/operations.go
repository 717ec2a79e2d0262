package container

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cladgo/clad/internal/counters"
	"github.com/cladgo/clad/policy"
)

// DefaultMaxOperations is how many operations an orchestrator remembers, without
// [WithMaxOperations].
const DefaultMaxOperations = 10_000

// WithMaxOperations sets how many operations are remembered by the ids given to
// [Orchestrator.For], policy.Execute and the like; below 1 it is
// [DefaultMaxOperations]. There should be far fewer: an id is
// "payments.charge" and not one per customer. Beyond, those that were not used of
// late are forgotten, with their unnamed breakers, limiters and bulkheads and what was counted
// of them by itself; those whose breaker is not closed, last.
func WithMaxOperations(n int) Option {
	return optionFunc(func(o *options) {
		if n >= 1 {
			o.operations = n
		}
	})
}

// operations are those that an orchestrator remembers, by their ids.
type operations struct {
	most  int
	known sync.Map // id -> *operation
	count int      // of known; the registry's lock guards it
}

// operation is what the orchestrator remembers of an id given to For: the
// pipelines made for it, and the state of their unnamed breakers, limiters and bulkheads.
type operation struct {
	id       string
	owner    *owner
	counters *counters.Counters
	used     atomic.Bool // again, since somebody last looked for what to forget

	made atomic.Pointer[[]variant] // most recent last; changed by transactions, as a whole
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
	if op, ok := o.operations.find(id); ok {
		if pipeline := op.find(p); pipeline != nil {
			return pipeline, nil
		}
	}
	if id == "" {
		return nil, errors.New("an operation needs an id: it names the operation in errors and metrics and owns its state")
	}
	var pipeline *Pipeline
	err := o.transact(func(tx *transaction) (err error) {
		pipeline, err = tx.operation(id).pipeline(tx, p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return pipeline, nil
}

func (ops *operations) find(id string) (*operation, bool) {
	known, ok := ops.known.Load(id)
	if !ok {
		return nil, false
	}
	op := known.(*operation)
	if !op.used.Load() { // a store each time would take the line from other processors
		op.used.Store(true)
	}
	return op, true
}

// operation returns the one of an id, which is made known where it was not.
func (tx *transaction) operation(id string) *operation {
	ops := &tx.o.operations
	if op, ok := ops.find(id); ok {
		return op
	}
	op := &operation{id: id, owner: tx.o.newOwner(id, nil), counters: tx.o.counters.Of(id)}
	tx.onRollback(func() { tx.o.dropCounters(id) })
	tx.onCommit(func() {
		if ops.count >= ops.most {
			ops.forget(tx.o)
		}
		ops.known.Store(id, op)
		ops.count++
	})
	return op
}

// forget drops some operations: those that were not used since it was last called,
// as far as their breakers are closed, else others. It is for transactions.
func (ops *operations) forget(o *Orchestrator) {
	goal := ops.most - max(1, ops.most/8) // so that it is not called each time
	for _, droppable := range []func(*operation) bool{
		func(op *operation) bool { return !op.used.Swap(false) && op.owner.quiet() },
		func(op *operation) bool { return op.owner.quiet() },
		func(*operation) bool { return true },
	} {
		ops.known.Range(func(id, known any) bool {
			if ops.count > goal && droppable(known.(*operation)) {
				ops.known.Delete(id)
				ops.count--
				known.(*operation).owner.drop(o)
				o.dropCounters(id.(string))
			}
			return ops.count > goal
		})
	}
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

// pipeline returns the one of a policy, which is made where there is none yet.
func (op *operation) pipeline(tx *transaction, p policy.Policy) (*Pipeline, error) {
	if pipeline := op.find(p); pipeline != nil {
		return pipeline, nil // somebody was first
	}
	v := variant{p, &Pipeline{counters: op.counters}}
	if err := op.bind(tx, v); err != nil {
		return nil, err
	}
	tx.onCommit(func() { op.remember(v) })
	return v.pipeline, nil
}

func (op *operation) bind(tx *transaction, v variant) error {
	return tx.bind(op.owner, v.pipeline, func(tx *transaction, w *owner, _ *Pipeline) (*program, error) {
		prog, err := tx.compile(v.policy, "", op.id, w)
		if err != nil {
			return nil, err
		}
		return tx.beside(prog, op.id, tx.o.shadow.operation(tx, op.id, v.policy)), nil
	})
}

// remember is for transactions.
func (op *operation) remember(v variant) {
	var made []variant
	if known := op.made.Load(); known != nil {
		made = (*known)[max(0, len(*known)+1-maxVariants):]
	}
	made = append(slices.Clone(made), v)
	op.made.Store(&made)
}

// reloadOperations compiles anew the pipelines of the operations that were run, for
// what their policies name. One that names what is gone keeps what it holds: to
// fail all its calls from now on would help nobody.
func (tx *transaction) reloadOperations() {
	tx.o.operations.known.Range(func(_, known any) bool {
		op := known.(*operation)
		made := op.made.Load()
		if made == nil {
			return true
		}
		for _, v := range *made {
			if err := op.bind(tx, v); err != nil {
				tx.afterwards(func() {
					tx.o.log.Warn("an operation is run under what the profile no longer has, and keeps it", "operation", op.id, "error", err)
				})
			}
		}
		return true
	})
}
