package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cladgo/clad/internal/printable"
)

// Setting is one value of a profile that is in force.
type Setting struct {
	// Path leads to the value: "policies", "database", "retry", "max_attempts".
	Path []string
	// Value is a time.Duration, an int, a float64, a bool, a string or a
	// []string. In the place of a map it is a string: "none", or the name of
	// the circuit breaker, rate limiter or bulkhead that is used.
	Value any
	// Origin is where the value comes from.
	Origin Origin
}

// String returns the value as it is written in a file.
func (s Setting) String() string {
	switch v := s.Value.(type) {
	case time.Duration:
		return printable.Duration(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		return "[" + strings.Join(v, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// Settings lists every value in force at a path, its keys one by one, and below:
// what is set, what is inherited, and the defaults of both. Without a path that
// is the whole profile. The layers of a policy come in the order in which they
// nest, outermost first, and names in theirs; it is empty for a path that leads
// to nothing.
//
// A policy that uses a circuit breaker, rate limiter or bulkhead by its name has that
// name alone: the settings are below circuit_breakers, rate_limiters or bulkheads,
// or below the policy that describes what it names.
func (p *Profile) Settings(path ...string) []Setting {
	at, ok := p.at(path)
	if !ok {
		return nil
	}
	return at.settings(nil)
}

// Origin says where the value comes from that is in force at a path, its keys
// one by one:
//
//	profile.Origin("policies", "database", "retry", "max_attempts")
//
// What a policy inherits comes from where it was written. It is false for a
// path that leads to nothing: a key that does not exist, or a setting that is
// not set and has no default.
func (p *Profile) Origin(path ...string) (Origin, bool) {
	at, ok := p.at(path)
	return at.origin(), ok
}

// at goes to what is in force at a path.
func (p *Profile) at(path []string) (place, bool) {
	at := p.root
	for _, key := range path {
		if !at.hasEffective(key) {
			return place{}, false
		}
		at = at.field(key).orDefault(at)
	}
	return at, true
}

// settings appends what is in force here and below.
func (p place) settings(found []Setting) []Setting {
	if s, ok := p.value.(setting); ok {
		switch v := s.Value.(type) {
		case removedValue:
			s.Value = noneName
		case []string:
			s.Value = slices.Clone(v)
		}
		return append(found, Setting{Path: p.path, Value: s.Value, Origin: s.Origin})
	}
	if p.definition.kind != object && p.definition.kind != table {
		return append(found, Setting{Path: p.path, Value: p.definition.defaultValue})
	}
	for _, key := range p.effectiveKeys() {
		found = p.field(key).orDefault(p).settings(found)
	}
	return found
}

// effectiveKeys lists the keys under which there is a value, if only the default.
func (p place) effectiveKeys() []string {
	switch {
	case p.isSet() && !p.isMap():
		return nil
	case p.isReference(), p.definition.kind == table:
		return p.keys()
	}
	var keys []string
	for i := range p.definition.fields {
		if f := &p.definition.fields[i]; p.hasEffectiveField(f) {
			keys = append(keys, f.key)
		}
	}
	if p.definition == policyDefinition {
		slices.SortStableFunc(keys, byNesting(p))
	}
	return keys
}

// hasEffective reports whether there is a value under a key, if only the default.
func (p place) hasEffective(key string) bool {
	switch {
	case p.isSet() && !p.isMap(), key == originKey, key == incompleteKey:
		return false
	case p.isReference(), p.definition.kind == table:
		return p.field(key).isSet()
	}
	f := p.definition.field(key)
	return f != nil && p.hasEffectiveField(f)
}

// hasEffectiveField is hasEffective for a field of an object.
func (p place) hasEffectiveField(f *field) bool {
	otherVariant := f.variants != nil && !slices.Contains(f.variants, p.field(p.definition.variant).text())
	return !otherVariant && p.field(f.key).orDefault(p).isEffective()
}

// byNesting compares keys of a policy: layers as they nest, the rest first.
func byNesting(policy place) func(a, b string) int {
	order := keysOf(nesting(policy))
	return func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) }
}

// orDefault returns p, or where nothing is set the default that follows from the
// other fields of its object.
func (p place) orDefault(object place) place {
	if p.isSet() || p.definition.deriveDefault == nil {
		return p
	}
	if value := p.definition.deriveDefault(object); value != nil {
		p.value = setting{Value: value}
	}
	return p
}

// isEffective reports whether there is a value, if only the default.
func (p place) isEffective() bool {
	return p.isSet() || p.definition.defaultValue != nil || p.definition.defaultText != "" && p.definition.kind == object
}
