package config

import (
	"maps"
	"slices"
	"strings"

	koanfmaps "github.com/knadh/koanf/maps"
)

// merge puts one layer over another: maps merge deeply, everything else
// replaces.
func merge(over, under values, d *definition) {
	dropReplacedVariants(over, under, d)
	koanfmaps.Merge(over, under)
}

// dropReplacedVariants drops maps from under that are of another variant in over:
// the settings of a linear back-off mean nothing to an exponential one.
func dropReplacedVariants(over, under values, d *definition) {
	for key, v := range over {
		newer, isMap := v.(values)
		older, wasMap := under[key].(values)
		inner := d.at(key)
		if !isMap || !wasMap || inner == nil {
			continue
		}
		if inner.variant != "" {
			chosen := place{nil, inner, newer}.field(inner.variant)
			before := place{nil, inner, older}.field(inner.variant)
			if chosen.isSet() && chosen.text() != before.text() {
				delete(under, key)
				continue
			}
		}
		dropReplacedVariants(newer, older, inner)
	}
}

// maxExtends is how many policies one may inherit from, each from the next.
const maxExtends = 100

// inheritance resolves what policies inherit.
type inheritance struct {
	*collector
	policies place
	resolved map[string]resolved
	order    []string // each policy after the one that it extends
	names    []string
}

// resolved is a policy with all that it inherits.
type resolved struct {
	value any
	depth int // how many policies it inherits from
}

// inherit puts what each policy extends under it. It returns the policies with
// nothing left to inherit, and their names, each after the one that it extends.
func inherit(c *collector, root values) (values, []string) {
	h := &inheritance{collector: c, policies: place{nil, profileDefinition, root}.field(policies), resolved: map[string]resolved{}}
	h.names = h.policies.keys()
	for _, name := range h.names {
		h.resolve(name, nil)
	}
	merged := maps.Clone(root)
	if under, ok := merged[policies].(values); ok {
		under = maps.Clone(under)
		for name, policy := range h.resolved {
			under[name] = policy.value
		}
		merged[policies] = under
	}
	return merged, h.order
}

// resolve returns a policy with all that it inherits. chain lists the policies by
// whose extends it was reached, the nearest last.
func (h *inheritance) resolve(name string, chain []string) resolved {
	if done, ok := h.resolved[name]; ok {
		return done
	}
	at := h.policies.field(name)
	result := resolved{value: at.value}
	if settings, ok := at.value.(values); ok {
		result = h.extend(at, settings, append(chain, name))
	}
	h.resolved[name] = result
	h.order = append(h.order, name)
	return result
}

// extend merges the settings of a policy over those of the policy that it extends.
// chain ends with the policy itself.
func (h *inheritance) extend(at place, settings values, chain []string) resolved {
	extends := at.field("extends")
	name := extends.text()
	if name == "" { // not set, none, or mistaken
		return resolved{value: settings}
	}
	if i := slices.Index(chain, name); i >= 0 {
		h.reportCircle(chain[i:])
		return resolved{value: values{originKey: settings[originKey], incompleteKey: setting{}}}
	}
	if !h.policies.field(name).isSet() {
		if !h.policies.isIncomplete() {
			h.add(extends.origin(), extends.path, "%s", h.unknownName(policies, name, h.names))
		}
		settings[incompleteKey] = setting{}
		return resolved{value: settings}
	}
	if len(chain) > maxExtends { // one of the chain reports it
		settings[incompleteKey] = setting{}
		return resolved{value: settings, depth: maxExtends}
	}
	parent := h.resolve(name, chain)
	depth := parent.depth + 1
	if depth == maxExtends+1 {
		h.add(extends.origin(), extends.path, "inherits from more than %d policies, each of which extends the next", maxExtends)
		settings[incompleteKey] = setting{}
	}
	inherited, ok := parent.value.(values)
	if !ok {
		return resolved{settings, depth} // it protects nothing
	}
	inherited = deepClone(inherited)
	delete(inherited, "extends")
	merge(deepClone(settings), inherited, policyDefinition)
	return resolved{inherited, depth}
}

func deepClone(m values) values {
	m = maps.Clone(m)
	for key, value := range m {
		if under, ok := value.(values); ok {
			m[key] = deepClone(under)
		}
	}
	return m
}

// reportCircle names the policies of a circle once, from the first by name.
func (h *inheritance) reportCircle(circle []string) {
	first := slices.Index(circle, slices.Min(circle))
	circle = slices.Concat(circle[first:], circle[:first+1])
	extends := h.policies.field(circle[0]).field("extends")
	h.add(extends.origin(), extends.path, "policies extend each other in a circle: %s", strings.Join(circle, " extends "))
}
