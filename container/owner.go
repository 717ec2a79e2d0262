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
func own[S comparable, T any](e *edit, things *[]*owned[S, T], policyName string, n int, spec S, configure func(T, S), make func() T) T {
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
	if policyName == "" && len(*things) >= maxVariants {
		*things = append((*things)[:0], (*things)[1:]...)
	}
	made := &owned[S, T]{n: n, spec: spec, thing: make()}
	made.use(e, policyName)
	*things = append(*things, made)
	return made.thing
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
