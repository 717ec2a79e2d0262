package module

import (
	"errors"

	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// checkTags looks through the graph for tagged constructors that name a policy
// which does not exist. Fx would report one that is needed, and only what is
// missing; this reports all of them, and what was probably meant.
func checkTags(c policy.Catalog) any {
	return func(dot fx.DotGraph) error {
		return errors.Join(asErrors(graphOf(dot).unknownPolicies(c))...)
	}
}
