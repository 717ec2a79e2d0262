package explain

import (
	"slices"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// shared is a circuit breaker, rate limiter or bulkhead that has a name.
type shared struct{ section, name string }

// sharedBy returns what a layer shares with others, if it does.
func sharedBy(layer policy.Policy) (what shared, ok bool) {
	switch l := layer.(type) {
	case policy.CircuitBreaker:
		return shared{"circuit_breakers", l.Name}, l.Name != ""
	case policy.RateLimit:
		return shared{"rate_limiters", l.Name}, l.Name != ""
	case policy.Bulkhead:
		return shared{"bulkheads", l.Name}, l.Name != ""
	}
	return shared{}, false
}

// noteShared notes what a policy shares by name, and what it describes of that.
func (e *explainer) noteShared(name string) {
	layers := policy.Layers(e.catalog.Policies[name])
	if !slices.ContainsFunc(layers, func(l policy.Policy) bool { _, ok := sharedBy(l); return ok }) {
		return
	}
	keys := e.layerKeys(name)
	for i, l := range layers {
		what, ok := sharedBy(l)
		if !ok {
			continue
		}
		if users := e.users[what]; len(users) == 0 || users[len(users)-1] != name {
			e.users[what] = append(users, name)
		}
		settings := e.profile.Settings("policies", name, keys[i])
		names := slices.ContainsFunc(settings, func(s config.Setting) bool {
			return len(s.Path) == 4 && s.Path[3] == "name" && s.Value == what.name
		})
		if _, already := e.described[what]; names && len(settings) > 1 && !already {
			e.described[what] = []string{"policies", name, keys[i]}
		}
	}
}

// lookUp returns what bears the name.
func (e *explainer) lookUp(what shared) policy.Policy {
	switch what.section {
	case "rate_limiters":
		return e.catalog.RateLimiters[what.name]
	case "bulkheads":
		return e.catalog.Bulkheads[what.name]
	}
	return e.catalog.CircuitBreakers[what.name]
}

// placeOf returns the path to the settings of what is shared: in its section, or
// where a policy describes it.
func (e *explainer) placeOf(what shared) []string {
	path, inPolicy := e.described[what]
	if _, ok := e.profile.Origin(what.section, what.name); ok || !inPolicy {
		return []string{what.section, what.name}
	}
	return path
}

// mostShared is how many policies are listed that use the same.
const mostShared = 100

func (e *explainer) sharedWith(policy string, what shared) []string {
	var others []string
	for _, other := range e.users[what] {
		if other != policy && len(others) < mostShared {
			others = append(others, other)
		}
	}
	return others
}
