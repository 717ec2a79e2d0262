package container

import (
	"slices"

	"github.com/cladgo/clad/policy"
)

// owner owns unnamed breakers and limiters: a tagged service, an operation, or a
// policy of the catalog that is run by its name. The lock of the registry
// guards it.
type owner struct {
	name     string
	main     policy.Policy // of a service: that of its methods for which no other is chosen
	breakers []*owned[policy.CircuitBreaker, *CircuitBreaker]
	limiters []*owned[policy.RateLimit, *RateLimiter]
}

func newOwner(name string) *owner { return &owner{name: name} }

// quiet reports whether all breakers of the owner are closed.
func (w *owner) quiet() bool {
	return !slices.ContainsFunc(w.breakers, func(b *owned[policy.CircuitBreaker, *CircuitBreaker]) bool {
		return b.thing.State() != policy.StateClosed
	})
}

// owned is a thing with what it was made for. The methods of a service share it,
// also under different policies, where these put equal settings in the same
// place: it is one dependency that they guard.
type owned[S comparable, T any] struct {
	n     int // the place: the n-th layer of its kind, from the outside
	spec  S
	thing T
	users map[string]bool // the policies of the catalog that it is for
}

// maxVariants is how many different policies, and things in them, are remembered
// of one operation. An operation has a handful (one per method of payment,
// say); one that invents a new policy at each call must not fill the memory.
const maxVariants = 64

// own returns the thing for the n-th place of a policy; "" stands for a policy
// of no catalog. A policy of the catalog whose settings have changed takes its
// thing along, unless another that did not change holds on to it.
func own[S comparable, T resource](e *edit, r registry[S, T], things *[]*owned[S, T], policyName string, n int, spec S, configure func(T, S), make func() T) T {
	for _, known := range *things {
		if known.n == n && settingsOf(e, known) == spec {
			known.use(e, policyName)
			return known.thing
		}
	}
	for _, known := range *things {
		_, changed := e.changed[known]
		if policyName != "" && known.n == n && known.users[policyName] && !changed && !e.claimed[known] {
			e.change(known, spec)
			e.on(func() {
				known.spec = spec
				configure(known.thing, spec)
			})
			return known.thing
		}
	}
	before := *things
	e.undoes(func() { *things = before })
	if policyName == "" && len(before) >= maxVariants {
		oldest := before[0].thing
		e.on(func() { r.drop(oldest) })
		*things = slices.Clone(before[1:])
	}
	made := &owned[S, T]{n: n, spec: spec, thing: make()}
	made.use(e, policyName)
	*things = append(*things, made)
	assign(e, r.unnamed, made.thing.Name(), made.thing)
	return made.thing
}

// nameFor returns what an unnamed thing goes by, the n-th of its kind in the
// policy named: the owner's name, unless the owner's main policy has another
// there. kind picks what a layer describes, if it is of that kind.
func nameFor[S comparable](w *owner, policyName string, n int, spec S, kind func(policy.Policy) (_ S, unnamed, ok bool)) string {
	if policyName == "" || w.main == nil {
		return w.name
	}
	at, another := 0, false
	for _, layer := range policy.Layers(w.main) {
		its, unnamed, ok := kind(layer)
		if !ok {
			continue
		}
		if at == n && its == spec {
			return w.name
		}
		at++
		another = another || unnamed
	}
	if !another {
		return w.name
	}
	return w.name + "/" + policyName
}

func breakerLayerOf(p policy.Policy) (_ policy.CircuitBreaker, unnamed, ok bool) {
	b, ok := p.(policy.CircuitBreaker)
	return b, ok && b.Name == "", ok
}

func limiterLayerOf(p policy.Policy) (_ policy.RateLimit, unnamed, ok bool) {
	l, ok := p.(policy.RateLimit)
	return l, ok && l.Name == "", ok
}

func (o *owned[S, T]) use(e *edit, policyName string) {
	if policyName != "" {
		e.on(func() {
			if o.users == nil {
				o.users = make(map[string]bool)
			}
			o.users[policyName] = true
		})
	}
}

// drop forgets the owner's things. It is for commits.
func (w *owner) drop(o *Orchestrator) {
	for _, b := range w.breakers {
		o.breakers.drop(b.thing)
	}
	for _, l := range w.limiters {
		o.limiters.drop(l.thing)
	}
}

// settingsOf returns the settings that a thing has, or will have when the edit
// is made.
func settingsOf[S comparable, T any](e *edit, o *owned[S, T]) S {
	if spec, ok := e.changed[o]; ok {
		return spec.(S)
	}
	return o.spec
}

// claim notes what a policy finds as it wants it, so that no other whose
// settings have changed takes it along.
func (w *owner) claim(e *edit, p policy.Policy) {
	breakers, limiters := 0, 0
	for _, layer := range policy.Layers(p) {
		switch layer := layer.(type) {
		case policy.CircuitBreaker:
			claim(e, w.breakers, breakers, layer)
			breakers++
		case policy.RateLimit:
			claim(e, w.limiters, limiters, layer)
			limiters++
		}
	}
}

func claim[S comparable, T any](e *edit, things []*owned[S, T], n int, spec S) {
	for _, known := range things {
		if known.n == n && known.spec == spec {
			e.claimed[known] = true
		}
	}
}
