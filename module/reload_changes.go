package module

import (
	"maps"
	"slices"

	"github.com/cladgo/clad/policy"
)

// compare notes what differs between two catalogs.
func (o *Outcome) compare(was, is policy.Catalog) {
	compare(o, "circuit_breakers", was.CircuitBreakers, is.CircuitBreakers, equal)
	compare(o, "rate_limiters", was.RateLimiters, is.RateLimiters, equal)
	compare(o, "bulkheads", was.Bulkheads, is.Bulkheads, equal)
	compare(o, "policies", was.Policies, is.Policies, policy.Equal)
	compare(o, "services", was.Services, is.Services, func(a, b policy.Service) bool {
		return a.Policy == b.Policy && a.Critical == b.Critical && maps.Equal(a.Methods, b.Methods)
	})
	slices.Sort(o.Added)
	slices.Sort(o.Changed)
	slices.Sort(o.Removed)
}

func equal[T comparable](a, b T) bool { return a == b }

func compare[T any](o *Outcome, section string, was, is map[string]T, equal func(a, b T) bool) {
	for name, value := range is {
		before, known := was[name]
		switch {
		case !known:
			o.Added = append(o.Added, section+"."+name)
		case !equal(before, value):
			o.Changed = append(o.Changed, section+"."+name)
		}
	}
	for name := range was {
		if _, still := is[name]; !still {
			o.Removed = append(o.Removed, section+"."+name)
		}
	}
}
