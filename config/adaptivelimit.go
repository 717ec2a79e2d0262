package config

import (
	"time"

	"github.com/cladgo/clad/policy"
)

var adaptiveLimitLayer = &layer{
	key: "adaptive_limit",
	definition: definition{
		kind: object, removable: true,
		doc:    "Admits as many calls at the same time as the dependency takes without making them wait: a bulkhead whose limit is found by how long calls take.",
		fields: adaptiveLimitFields,
	},
	build: func(b *builder, at place) policy.Policy {
		return buildAdaptiveLimit(b, at)
	},
}

var adaptiveLimitFields = []field{
	{key: "initial", definition: definition{
		kind: integer, min: 1, defaultText: "20, or the nearest that `min` and `max` allow", deriveDefault: defaultInitial,
		doc: "The limit to begin with.",
	}},
	{key: "min", definition: definition{
		kind: integer, min: 1, defaultValue: policy.DefaultMinLimit,
		doc: "The limit does not fall below this.",
	}},
	{key: "max", definition: definition{
		kind: integer, min: 1, defaultText: "1000, or `min` where that is more", deriveDefault: defaultMax,
		doc: "The limit does not rise above this.",
	}},
	{key: "max_wait", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "How long a call may wait for another to end. 0s: it is rejected at once.",
	}},
}

func readAdaptiveLimit(at place) policy.AdaptiveLimit {
	return policy.AdaptiveLimit{
		Initial: at.field("initial").integer(),
		Min:     at.field("min").integer(),
		Max:     at.field("max").integer(),
		MaxWait: at.field("max_wait").duration(),
	}.WithDefaults()
}

func defaultInitial(limit place) any { return readAdaptiveLimit(limit).Initial }
func defaultMax(limit place) any     { return readAdaptiveLimit(limit).Max }

func buildAdaptiveLimit(b *builder, at place) policy.AdaptiveLimit {
	spec := readAdaptiveLimit(at)
	initial, least, most := at.field("initial"), at.field("min"), at.field("max")
	switch {
	case at.hasMistakes():
	case spec.Min > spec.Max:
		b.mistake(least, "%d is above max, which is %d (%v)", spec.Min, spec.Max, most.origin())
	case initial.isSet() && spec.Initial < spec.Min:
		b.mistake(initial, "%d is below min, which is %d (%v)", spec.Initial, spec.Min, least.origin())
	case initial.isSet() && spec.Initial > spec.Max:
		b.mistake(initial, "%d is above max, which is %d (%v)", spec.Initial, spec.Max, most.origin())
	}
	return spec
}
