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

// heirs resolves what policies inherit.
type heirs struct {
	*collector
	policies place
	resolved values
	order    []string // each after what it extends
	names    []string
}

// inherit puts what each policy extends under it. It returns the policies with
// nothing left to inherit, and their names, each after the one that it extends.
func inherit(c *collector, root values) (values, []string) {
	h := &heirs{collector: c, policies: place{nil, profileDefinition, root}.field(policies), resolved: values{}}
	h.names = h.policies.keys()
	for _, name := range h.names {
		h.resolve(name, nil)
	}
	merged := maps.Clone(root)
	if under, ok := merged[policies].(values); ok {
		under = maps.Clone(under)
		maps.Copy(under, h.resolved)
		merged[policies] = under
	}
	return merged, h.order
}

// resolve returns a policy with all that it inherits. heirs are those that
// extend it, the nearest last.
func (h *heirs) resolve(name string, heirs []string) any {
	if done, ok := h.resolved[name]; ok {
		return done
	}
	at := h.policies.field(name)
	result := at.value
	if own, ok := at.value.(values); ok {
		result = h.withParent(at, own, append(heirs, name))
	}
	h.resolved[name] = result
	h.order = append(h.order, name)
	return result
}

func (h *heirs) withParent(at place, own values, heirs []string) values {
	extends := at.field("extends")
	name := extends.text()
	if name == "" { // not set, none, or broken
		return own
	}
	if i := slices.Index(heirs, name); i >= 0 {
		h.reportCircle(heirs[i:])
		return values{here: own[here], damaged: setting{}}
	}
	if !slices.Contains(h.names, name) {
		if !h.policies.isDamaged() {
			h.add(extends.origin(), extends.path, "%s", unknownName(policies, name, h.names))
		}
		own[damaged] = setting{}
		return own
	}
	parent, ok := h.resolve(name, heirs).(values)
	if !ok {
		return own // it protects nothing
	}
	parent = koanfmaps.Copy(parent)
	delete(parent, "extends")
	merge(koanfmaps.Copy(own), parent, policyDefinition)
	return parent
}

// reportCircle names the policies of a circle once, from the first by name.
func (h *heirs) reportCircle(circle []string) {
	first := slices.Index(circle, slices.Min(circle))
	circle = slices.Concat(circle[first:], circle[:first+1])
	extends := h.policies.field(circle[0]).field("extends")
	h.add(extends.origin(), extends.path, "policies extend each other in a circle: %s", strings.Join(circle, " extends "))
}
