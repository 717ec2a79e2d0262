package module

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// checkTags looks through the graph for tagged constructors that name a policy
// which does not exist. Fx would report one that is needed, and only what is
// missing; this reports all of them, and what was probably meant.
func checkTags(c policy.Catalog) any {
	known := slices.Sorted(maps.Keys(c.Policies))
	return func(graph fx.DotGraph) error {
		var errs []error
		for _, need := range needs(string(graph)) {
			if _, ok := c.Policies[need.policy]; !ok {
				errs = append(errs, fmt.Errorf("clad: %s is tagged %q, but there is no such policy%s; there are: %v",
					need.constructor, need.policy, suggest.DidYouMean(need.policy, known), known))
			}
		}
		return errors.Join(errs...)
	}
}

// need is an arrow of the graph from a constructor to a named pipeline.
type need struct{ constructor, policy string }

var (
	graphPackage     = regexp.MustCompile(`label = "([^"]*)";\s+constructor_(\d+) \[shape=plaintext label="([^"]*)"\]`)
	graphRequirement = regexp.MustCompile(`constructor_(\d+) -> "` +
		regexp.QuoteMeta(reflect.TypeFor[*container.Pipeline]().String()) + `\[name=([^\]]*)\]"`)
)

func needs(graph string) []need {
	names := make(map[string]string)
	for _, m := range graphPackage.FindAllStringSubmatch(graph, -1) {
		names[m[2]] = fmt.Sprintf("%q.%s", m[1], m[3])
	}
	var found []need
	for _, m := range graphRequirement.FindAllStringSubmatch(graph, -1) {
		found = append(found, need{names[m[1]], m[2]})
	}
	return found
}
