package config

import "github.com/cladgo/clad/policy"

// spec is what a policy says of a breaker, limiter or bulkhead: its name where it is
// shared, and else what it is.
type spec[T any] struct {
	name  string
	value T
}

// defineAll makes what a section describes.
func defineAll[T interface {
	comparable
	policy.Policy
}](b *builder, all map[string]T, section string, read func(*builder, place) T) {
	for _, name := range b.root.field(section).keys() {
		at := b.root.field(section).field(name)
		define(b, all, section, name, at, read(b, at))
	}
}

// define makes value known under a name. The same name for two different things
// is a mistake: they could not both be the one that is shared.
func define[T interface {
	comparable
	policy.Policy
}](b *builder, all map[string]T, section, name string, at place, value T) {
	key := section + "." + name
	if other, ok := all[name]; ok {
		if other != value {
			b.mistake(at, "the %s %q is described differently at %v; name it alone to share it, or give this one another name",
				singular(section), name, b.origins[key])
		}
		return
	}
	all[name] = value
	b.origins[key] = at.origin()
	b.validate(at, value)
}

// readShared reads what stands in a policy: a name, a map that is nothing but a
// name, or a map that describes. What it describes with a name becomes known
// under that.
func readShared[T interface {
	comparable
	policy.Policy
}](b *builder, all map[string]T, section string, at place, read func(*builder, place) T) spec[T] {
	if name := at.text(); name != "" {
		b.refer(section, name, at)
		return spec[T]{name: name}
	}
	named := at.field("name")
	if at.isReference() {
		if !named.isMistaken() && !at.isIncomplete() {
			b.refer(section, named.text(), named)
		}
		return spec[T]{name: named.text()}
	}
	value := read(b, at)
	if named.text() != "" {
		define(b, all, section, named.text(), at, value)
	}
	return spec[T]{named.text(), value}
}
