package config

import (
	"maps"
	"slices"
	"time"
)

// values is a map of a profile on its way through the layers: settings and
// further values by key. It is a plain map, which koanf merges.
type values = map[string]any

// Two keys of a map hold what is known of the map itself, so that merging keeps
// it. No profile can use them: no keyRule allows them.
const (
	originKey     = "@" // a setting whose Origin is where the map stands
	incompleteKey = "!" // there if something in the map was left out as mistaken
)

// setting is a value and where it comes from. koanf copies it by reflection, so
// its fields are exported.
type setting struct {
	Value    any // of the Go type of its kind, a name in place of a map, or removedValue
	Origin   Origin
	Places   []Origin // of the elements, for a list in a file
	Mistaken bool     // it was reported, and there is no Value
}

// removedValue is the Value of a setting that is the word none where that takes
// away what was inherited.
type removedValue struct{}

// place is one place of the merged profile: a setting or map that may be there,
// and its definition.
type place struct {
	path       path
	definition *definition
	value      any // setting, values, or nil
}

// field goes to what stands under key; nothing may be there.
func (p place) field(key string) place {
	under, _ := p.value.(values)
	return place{p.path.with(key), p.definition.at(key), under[key]}
}

// keys lists the names of a table, or the keys of an object that are set.
func (p place) keys() []string {
	under, _ := p.value.(values)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(under)), func(key string) bool {
		return key == originKey || key == incompleteKey
	})
}

// origin is where the value comes from; of a map the last place that added to it.
func (p place) origin() Origin {
	switch v := p.value.(type) {
	case setting:
		return v.Origin
	case values:
		if at, ok := v[originKey].(setting); ok {
			return at.Origin
		}
		for _, key := range p.keys() { // made by environment variables alone
			return p.field(key).origin()
		}
	}
	return Origin{}
}

// item is the place of an element of a list.
func (p place) item(i int) place {
	s, _ := p.value.(setting)
	if i < len(s.Places) {
		s.Origin = s.Places[i]
	}
	return place{p.path, p.definition, s}
}

func (p place) isSet() bool { return p.value != nil }

func (p place) isMap() bool {
	_, ok := p.value.(values)
	return ok
}

func (p place) isRemoved() bool {
	s, _ := p.value.(setting)
	_, ok := s.Value.(removedValue)
	return ok
}

// isMistaken reports whether a mistake stands here instead of a value.
func (p place) isMistaken() bool {
	s, ok := p.value.(setting)
	return ok && s.Mistaken
}

// isIncomplete reports whether something in the map was left out as mistaken, so
// that nothing follows from what it lacks.
func (p place) isIncomplete() bool {
	under, _ := p.value.(values)
	return under[incompleteKey] != nil
}

// hasMistakes reports whether a mistake stands here or anywhere below.
func (p place) hasMistakes() bool {
	if p.isMistaken() || p.isIncomplete() {
		return true
	}
	return slices.ContainsFunc(p.keys(), func(key string) bool { return p.field(key).hasMistakes() })
}

// isReference reports whether a map says nothing but the name of something that
// is described elsewhere.
func (p place) isReference() bool {
	return p.definition.section != "" && p.field("name").isSet() && len(p.keys()) == 1
}

// get returns the value that is set, or the default.
func get[T any](p place) T {
	s, _ := p.value.(setting)
	if v, ok := s.Value.(T); ok {
		return v
	}
	if v, ok := p.definition.defaultValue.(T); ok {
		return v
	}
	var none T
	return none
}

func (p place) duration() time.Duration { return get[time.Duration](p) }
func (p place) integer() int            { return get[int](p) }
func (p place) number() float64         { return get[float64](p) }
func (p place) boolean() bool           { return get[bool](p) }
func (p place) text() string            { return get[string](p) }
func (p place) list() []string          { return get[[]string](p) }
