package module

import (
	"maps"
	"slices"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// Standard adds the policy [policy.StandardName], for services that have none of
// their own yet: those tagged with no name, container.Tag(ctor, ""). It is a timeout
// and a circuit breaker, and no retry, since nobody has said what is safe to repeat;
// docs/policies.md has each value with its reason. A profile does the same with
// `standard: true`. A policy of that name in the profile lies over it; in a catalog
// that is given in code it stands in its place.
//
// Startup says which services go by it, as far as they are made by then.
func Standard() Option { return option(func(o *options) { o.standard = true }) }

// withStandard adds the standard policy to a catalog that is given in code.
func (o *options) withStandard(c policy.Catalog) policy.Catalog {
	if _, ok := c.Policies[policy.StandardName]; ok || !o.standard {
		return c
	}
	c.Policies = maps.Clone(c.Policies)
	if c.Policies == nil {
		c.Policies = map[string]policy.Policy{}
	}
	c.Policies[policy.StandardName] = config.Standard()
	return c
}

// standardServices lists the services that have a method under the standard policy.
func standardServices(o *container.Orchestrator) []string {
	names := []string{}
	for _, s := range o.Services() {
		if slices.ContainsFunc(s.Methods, func(m container.MethodInfo) bool { return m.Policy == policy.StandardName }) {
			names = append(names, s.Name)
		}
	}
	return names
}
