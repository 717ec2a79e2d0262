package config

import (
	"maps"
	"slices"
	"strings"

	koanfmaps "github.com/knadh/koanf/maps"
)

// merge lays one layer over another: maps merge deeply, everything else
// replaces.
func merge(over, under values, d *definition) {
	startAfresh(over, under, d)
	koanfmaps.Merge(over, under)
}

// startAfresh drops maps from under that over makes something else of: what a
// linear back-off had says nothing about an exponential one.
func startAfresh(over, under values, d *definition) {
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
		startAfresh(newer, older, inner)
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

// resolve returns a policy with all that it inherits. heirs are those that
// extend it, the nearest last.
func (h *inheritance) resolve(name string, heirs []string) resolved {
	if done, ok := h.resolved[name]; ok {
		return done
	}
	at := h.policies.field(name)
	result := resolved{value: at.value}
	if own, ok := at.value.(values); ok {
		result = h.withParent(at, own, append(heirs, name))
	}
	h.resolved[name] = result
	h.order = append(h.order, name)
	return result
}

func (h *inheritance) withParent(at place, own values, heirs []string) resolved {
	extends := at.field("extends")
	name := extends.text()
	if name == "" { // not set, none, or broken
		return resolved{value: own}
	}
	if i := slices.Index(heirs, name); i >= 0 {
		h.reportCircle(heirs[i:])
		return resolved{value: values{here: own[here], damaged: setting{}}}
	}
	if !h.policies.field(name).isSet() {
		if !h.policies.isDamaged() {
			h.add(extends.origin(), extends.path, "%s", h.unknownName(policies, name, h.names))
		}
		own[damaged] = setting{}
		return resolved{value: own}
	}
	if len(heirs) > maxExtends { // the nearest heir reports it
		own[damaged] = setting{}
		return resolved{value: own, depth: maxExtends}
	}
	parent := h.resolve(name, heirs)
	depth := parent.depth + 1
	if depth == maxExtends+1 {
		h.add(extends.origin(), extends.path, "inherits from more than %d policies, each of which extends the next", maxExtends)
		own[damaged] = setting{}
	}
	inherited, ok := parent.value.(values)
	if !ok {
		return resolved{own, depth} // it protects nothing
	}
	inherited = deepClone(inherited)
	delete(inherited, "extends")
	merge(deepClone(own), inherited, policyDefinition)
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
