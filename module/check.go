package module

import (
	"errors"

	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// checkTags looks through the graph for tagged constructors that name a policy
// which does not exist, or need a proxy that is not registered. Fx would report
// one that is needed, and only what is missing; this reports all of them, and how
// to mend them.
func checkTags(c policy.Catalog) any {
	return func(dot fx.DotGraph) error {
		g := graphOf(dot)
		return errors.Join(errors.Join(asErrors(g.unknownPolicies(c))...), errors.Join(asErrors(g.unmetNeeds())...))
	}
}
