package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cladgo/clad/policy"
)

// builder makes the catalog of a merged profile, and reports what only shows
// when all layers are together.
type builder struct {
	*collector
	root       place
	catalog    policy.Catalog
	origins    map[string]Origin // of shared breakers, limiters and bulkheads, by section and name
	references []reference
	profile    string
	errors     []string // the names that errors can have, sorted; nil if that is not known
}

// reference is a name that must exist by the end.
type reference struct {
	section, name string
	at            place
}

// build makes the catalog. inherited lists the policies, each after the one
// that it extends, so that what they share is reported where it was written.
func build(c *collector, profile string, root values, inherited, errors []string) policy.Catalog {
	b := &builder{
		profile:   profile,
		errors:    errors,
		collector: c,
		root:      place{nil, profileDefinition, root},
		origins:   map[string]Origin{},
		catalog: policy.Catalog{
			CircuitBreakers: map[string]policy.CircuitBreaker{},
			RateLimiters:    map[string]policy.RateLimit{},
			Bulkheads:       map[string]policy.Bulkhead{},
			Policies:        map[string]policy.Policy{},
			Services:        map[string]policy.Service{},
		},
	}
	defineAll(b, b.catalog.CircuitBreakers, circuitBreakers, buildCircuitBreaker)
	defineAll(b, b.catalog.RateLimiters, rateLimiters, buildRateLimit)
	defineAll(b, b.catalog.Bulkheads, bulkheads, buildBulkhead)
	for _, name := range inherited {
		at := b.root.field(policies).field(name)
		p := b.policy(at)
		b.catalog.Policies[name] = p
		b.validate(at, p)
	}
	for _, name := range b.root.field(services).keys() {
		b.catalog.Services[name] = b.service(b.root.field(services).field(name))
	}
	b.resolveReferences()
	return b.catalog
}

func (b *builder) mistake(at place, format string, args ...any) {
	b.add(at.origin(), at.path, format, args...)
}

// require reports fields that must be set and are not.
func (b *builder) require(at place) {
	for _, f := range at.definition.fields {
		if f.required && !at.field(f.key).isSet() && !at.isIncomplete() {
			b.mistake(at, "%s is missing", f.key)
		}
	}
}

// validate is the safety net: what the definitions let through and no pipeline
// could honour is a mistake of the place as a whole.
func (b *builder) validate(at place, p policy.Policy) {
	if len(b.found) > 0 {
		return // it would report what is missing because of them
	}
	if err := p.Validate(); err != nil {
		b.mistake(at, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

func (b *builder) policy(at place) policy.Policy {
	if !at.isMap() {
		return policy.None{}
	}
	nested := b.nesting(at)
	built := make([]policy.Policy, len(nested))
	for i, l := range nested {
		if settings := at.field(l.key); !settings.isMistaken() {
			built[i] = l.build(b, settings)
		}
	}
	b.checkTimes(at, nested, built)
	return policy.Combine(built...)
}

// nesting lists the layers that a policy has, outermost first, and reports an
// order that does not fit them.
func (b *builder) nesting(at place) []*layer {
	has := layersOf(at)
	if len(at.keys()) == 0 && !at.isIncomplete() {
		b.mistake(at, "protects nothing; write none instead of the map if that is meant")
	}
	order := at.field("order")
	if order.list() == nil {
		return has
	}
	var nested []*layer
	for n, key := range order.list() {
		i := slices.IndexFunc(has, func(l *layer) bool { return l.key == key })
		switch {
		case i >= 0:
			nested = append(nested, has[i])
		case !at.isIncomplete():
			b.mistake(order.item(n), "names %s, which the policy does not have", key)
		}
	}
	for _, l := range has {
		if !slices.Contains(nested, l) {
			nested = append(nested, l)
			b.mistake(order, "leaves out %s (%v); it must name every layer of the policy", l.key, at.field(l.key).origin())
		}
	}
	return nested
}

func (b *builder) service(at place) policy.Service {
	s := policy.Service{Policy: b.policyName(at.field("policy")), Critical: at.field("critical").boolean()}
	methods := at.field("methods")
	for _, method := range methods.keys() {
		if s.Methods == nil {
			s.Methods = map[string]string{}
		}
		s.Methods[method] = b.policyName(methods.field(method))
	}
	if len(at.keys()) == 0 && !at.isIncomplete() {
		b.mistake(at, "chooses nothing; set policy, methods or critical, or leave it out")
	}
	return s
}

func (b *builder) policyName(at place) string {
	if at.isSet() && !at.isMistaken() && at.text() != noneName {
		b.refer(policies, at.text(), at)
	}
	return at.text()
}

func (b *builder) refer(section, name string, at place) {
	b.references = append(b.references, reference{section, name, at})
}

// resolveReferences reports names of what does not exist. In an incomplete section
// it may exist.
func (b *builder) resolveReferences() {
	known := map[string][]string{
		circuitBreakers: slices.Sorted(maps.Keys(b.catalog.CircuitBreakers)),
		rateLimiters:    slices.Sorted(maps.Keys(b.catalog.RateLimiters)),
		bulkheads:       slices.Sorted(maps.Keys(b.catalog.Bulkheads)),
		policies:        slices.Sorted(maps.Keys(b.catalog.Policies)),
		errorNames:      b.errors,
	}
	for _, r := range b.references {
		if b.isFull() {
			return
		}
		_, found := slices.BinarySearch(known[r.section], r.name)
		switch {
		case found, b.root.field(r.section).isIncomplete(), r.section == errorNames && b.errors == nil:
			continue
		}
		b.mistake(r.at, "%s", b.unknownName(r.section, r.name, known[r.section]))
	}
}

// unknownName says that a section has no such name, and which it has.
func (c *collector) unknownName(section, name string, known []string) string {
	hint := c.hints.Among(name, known)
	if section == errorNames {
		hint += "; module.WithErrors makes errors known by their names"
	}
	return "there is no " + singular(section) + " " + quote(name) + hint
}

func quote(name string) string { return fmt.Sprintf("%.60q", name) }
