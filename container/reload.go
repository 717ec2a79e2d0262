package container

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cladgo/clad/policy"
)

// Reload puts another catalog in force, whole or, if anything in it is wrong, not
// at all. Calls under way finish under the policy that they began with; no call
// sees a mixture. Breakers, limiters and bulkheads that did not change keep their state,
// limiters that did keep their tokens, breakers that did start a new count; calls keep
// the permits of bulkheads that did.
// What the catalog no longer names goes, but for what was registered in code. A
// policy that a wrapped service still uses must stay; an operation that was run by
// [Orchestrator.For] under what is no longer named keeps it.
//
// Listeners are told how it ended, as [Reloaded].
func (o *Orchestrator) Reload(c policy.Catalog) error {
	err := o.transact(func(tx *transaction) error { return tx.reload(c) })
	o.events.tell(context.Background(), Reloaded{err})
	return err
}

// ReloadFailed has listeners told of a reload that came to nothing before there was
// a catalog: its profile could not be read.
func (o *Orchestrator) ReloadFailed(err error) {
	o.events.tell(context.Background(), Reloaded{err})
}

func (tx *transaction) reload(c policy.Catalog) error {
	was, _ := declarationsOf(tx.catalog)
	is, err := declarationsOf(c)
	if err != nil {
		return err // what follows would only repeat it
	}
	if err := tx.canShareAll(is); err != nil {
		return err
	}
	tx.catalog = copyOf(c)
	tx.o.breakers.renew(tx, was.breakers, is.breakers, (*CircuitBreaker).configure, tx.newBreaker)
	tx.o.limiters.renew(tx, was.limiters, is.limiters, (*RateLimiter).configure, tx.newLimiter)
	tx.forgetChaos()
	tx.o.bulkheads.renew(tx, was.bulkheads, is.bulkheads, (*Bulkhead).configure, newBulkhead)
	tx.reloadOperations()
	return errors.Join(tx.reloadPolicies(), tx.checkServices(), tx.reloadBindings())
}

func (tx *transaction) canShareAll(d declarations) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(d.breakers)) {
		errs = append(errs, tx.canShare("circuit breaker", name, d.breakers[name].Shared))
	}
	for _, name := range slices.Sorted(maps.Keys(d.limiters)) {
		errs = append(errs, tx.canShare("rate limiter", name, d.limiters[name].Shared))
	}
	return errors.Join(errs...)
}

// copyOf copies a catalog's maps, which are its maker's to change.
func copyOf(c policy.Catalog) policy.Catalog {
	c.CircuitBreakers, c.RateLimiters = maps.Clone(c.CircuitBreakers), maps.Clone(c.RateLimiters)
	c.Bulkheads = maps.Clone(c.Bulkheads)
	c.Policies, c.Services = maps.Clone(c.Policies), maps.Clone(c.Services)
	for id, s := range c.Services {
		s.Methods = maps.Clone(s.Methods)
		c.Services[id] = s
	}
	return c
}

// declarations are the breakers, limiters and bulkheads that a catalog declares: those of
// its own, and those that a policy both names and describes.
type declarations struct {
	breakers  map[string]policy.CircuitBreaker
	limiters  map[string]policy.RateLimit
	bulkheads map[string]policy.Bulkhead
}

func declarationsOf(c policy.Catalog) (declarations, error) {
	d := declarations{map[string]policy.CircuitBreaker{}, map[string]policy.RateLimit{}, map[string]policy.Bulkhead{}}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(c.CircuitBreakers)) {
		spec := c.CircuitBreakers[name]
		errs = append(errs, checkName("circuit breaker", name, spec.Name, spec.Validate()))
		spec.Name = name
		d.breakers[name] = spec.WithDefaults()
	}
	for _, name := range slices.Sorted(maps.Keys(c.RateLimiters)) {
		spec := c.RateLimiters[name]
		errs = append(errs, checkName("rate limiter", name, spec.Name, rateRequired(spec)))
		spec.Name = name
		d.limiters[name] = spec.WithDefaults()
	}
	for _, name := range slices.Sorted(maps.Keys(c.Bulkheads)) {
		spec := c.Bulkheads[name]
		errs = append(errs, checkName("bulkhead", name, spec.Name, permitsRequired(spec)))
		spec.Name = name
		d.bulkheads[name] = spec
	}
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		if name == "" || name == nonePolicy {
			errs = append(errs, fmt.Errorf("policy %q: the name is taken; %q always means no policy", name, nonePolicy))
			continue
		}
		for _, layer := range policy.Layers(c.Policies[name]) {
			if err := d.declare(layer); err != nil {
				errs = append(errs, fmt.Errorf("policy %q: %w", name, err))
			}
		}
	}
	return d, errors.Join(errs...)
}

// declare notes a layer that both names and describes a resource.
func (d declarations) declare(layer policy.Policy) error {
	switch layer := layer.(type) {
	case policy.CircuitBreaker:
		if layer.Name != "" && !layer.IsReference() {
			return declare(d.breakers, "circuit breaker", layer.Name, layer.WithDefaults())
		}
	case policy.RateLimit:
		if layer.Name != "" && !layer.IsReference() {
			return declare(d.limiters, "rate limiter", layer.Name, layer.WithDefaults())
		}
	case policy.Bulkhead:
		if layer.Name != "" && !layer.IsReference() {
			return declare(d.bulkheads, "bulkhead", layer.Name, layer)
		}
	}
	return nil
}

func declare[S comparable](declared map[string]S, what, name string, spec S) error {
	if other, ok := declared[name]; ok && other != spec {
		return differs(what, name)
	}
	declared[name] = spec
	return nil
}

// rateRequired is Validate for a limiter that is to be made: there a name alone
// does not refer to another.
func rateRequired(spec policy.RateLimit) error {
	spec.Name = ""
	return spec.Validate()
}

// permitsRequired is the same for a bulkhead.
func permitsRequired(spec policy.Bulkhead) error {
	spec.Name = ""
	return spec.Validate()
}

// reloadPolicies compiles the pipelines of the catalog's policies.
func (tx *transaction) reloadPolicies() error {
	var errs []error
	pipelines := make(map[string]*Pipeline, len(tx.catalog.Policies))
	for _, name := range slices.Sorted(maps.Keys(tx.catalog.Policies)) {
		p, ok := tx.o.pipelineEver(name)
		if !ok {
			p = &Pipeline{counters: tx.o.counters.Of(name), owner: tx.o.newOwner(name, nil)}
		}
		if err := tx.bindPolicy(name, p); err != nil {
			errs = append(errs, fmt.Errorf("policy %w", err))
			continue
		}
		pipelines[name] = p
	}
	tx.onCommit(func() { tx.o.putPipelines(pipelines) })
	return errors.Join(errs...)
}

func (tx *transaction) bindPolicy(name string, p *Pipeline) error {
	return tx.bind(p.owner, p, func(tx *transaction, w *owner, _ *Pipeline) (*program, error) {
		prog, err := tx.compile(tx.catalog.Policies[name], name, name, w)
		if err != nil {
			return nil, err
		}
		return tx.beside(prog, name, tx.o.shadow.policy(name)), nil
	})
}

// putPipelines sets those aside that are no longer of any policy: somebody may
// have been given one. It keeps its last program, and comes back with its name.
func (o *Orchestrator) putPipelines(pipelines map[string]*Pipeline) {
	retired := maps.Clone(o.retired)
	if retired == nil {
		retired = make(map[string]*Pipeline)
	}
	maps.Copy(retired, o.pipelines)
	maps.DeleteFunc(retired, func(name string, _ *Pipeline) bool { return pipelines[name] != nil })
	o.pipelines, o.retired = pipelines, retired
}

func (o *Orchestrator) pipelineEver(name string) (*Pipeline, bool) {
	p, ok := o.pipelines[name]
	if !ok {
		p, ok = o.retired[name]
	}
	return p, ok
}

// checkServices checks what the catalog chooses for services.
func (tx *transaction) checkServices() error {
	var errs []error
	check := func(name, format string, args ...any) {
		if name == "" {
			return
		}
		if _, err := tx.choose(name); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(tx.catalog.Services)) {
		s := tx.catalog.Services[id]
		check(s.Policy, "service %q", id)
		for _, method := range slices.Sorted(maps.Keys(s.Methods)) {
			check(s.Methods[method], "service %q, method %q", id, method)
		}
	}
	return errors.Join(errs...)
}

// reloadBindings compiles anew the pipelines of the services that are wrapped
// already, under what the catalog now chooses for them.
func (tx *transaction) reloadBindings() error {
	var errs []error
	tx.meaning = make(map[string]unit)
	for _, s := range tx.o.services.all {
		errs = append(errs, tx.checkMeaning(s))
	}
	for _, s := range tx.o.services.all {
		for _, b := range s.bound {
			if p, err := tx.choose(tx.policyOf(s, b.method)); err == nil {
				s.owner.hold(tx, p)
			}
		}
		for name := range tx.methodsOf(s) {
			if p, err := tx.choose(tx.policyOf(s, name)); err == nil && s.typ.names.check != nil {
				s.owner.hold(tx, p)
			}
		}
		errs = append(errs, tx.bindService(s))
	}
	return errors.Join(errs...)
}
