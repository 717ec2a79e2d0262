package container

import "github.com/cladgo/clad/policy"

// PolicyOf returns the policy in force for an operation by its id: a method of a
// tagged service ("payments.Gateway.Charge"), an operation of [Orchestrator.For],
// which may have had several policies and then shows its newest, or a policy of the
// catalog that is run by its own name. What the tag says of errors is in it; breakers
// and limiters that bear a name stand there by that alone. It is None where nothing
// is protected, and false for an operation that is not known.
func (o *Orchestrator) PolicyOf(operation string) (policy.Policy, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	p, ok := o.pipelineOf(operation)
	if !ok {
		return nil, false
	}
	if prog := p.prog.Load(); prog != nil {
		return prog.policy, true
	}
	return policy.None{}, true
}

// pipelineOf finds the pipeline of an operation.
func (o *Orchestrator) pipelineOf(operation string) (*Pipeline, bool) {
	for _, s := range o.services.all {
		for _, b := range s.bound {
			if b.operation == operation {
				return b.pipeline, true
			}
		}
		if chosen := s.chosen.Load(); chosen != nil {
			for name, p := range *chosen {
				if s.operation(name) == operation {
					return p, true
				}
			}
		}
	}
	if op, ok := o.operations.find(operation); ok {
		if made := op.made.Load(); made != nil && len(*made) > 0 {
			return (*made)[len(*made)-1].pipeline, true
		}
	}
	p, ok := o.pipelines[operation]
	return p, ok
}
