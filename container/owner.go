package container

import "github.com/cladgo/clad/policy"

// owner owns unnamed breakers and limiters: a tagged service, an operation, or a
// policy of the catalog that is run by its name. The lock of the registry
// guards it.
type owner struct {
	name     string
	breakers []*owned[policy.CircuitBreaker, *CircuitBreaker]
	limiters []*owned[policy.RateLimit, *RateLimiter]
}

func newOwner(name string) *owner { return &owner{name: name} }

// owned is a thing with what it was made for: a place in a policy, and settings.
type owned[S comparable, T any] struct {
	policy string
	n      int
	spec   S
	thing  T
}

// maxVariants is how many different policies, and things in them, are remembered
// of one operation. An operation has a handful (one per method of payment,
// say); one that invents a new policy at each call must not fill the memory.
const maxVariants = 64

// own returns the thing that stands in the n-th place of a policy. In a policy of
// the catalog there is one thing a place, which takes settings that changed; an
// operation's policies have no names, so there different settings tell one from
// another.
func own[S comparable, T any](e *edit, things *[]*owned[S, T], policyName string, n int, spec S, configure func(T, S), make func() T) T {
	for _, known := range *things {
		if known.policy != policyName || known.n != n {
			continue
		}
		if known.spec == spec {
			return known.thing
		}
		if policyName != "" {
			e.on(func() {
				known.spec = spec
				configure(known.thing, spec)
			})
			return known.thing
		}
	}
	thing := make()
	if policyName == "" && len(*things) >= maxVariants {
		*things = append((*things)[:0], (*things)[1:]...)
	}
	*things = append(*things, &owned[S, T]{policyName, n, spec, thing})
	return thing
}
