package config

import (
	"time"

	"github.com/cladgo/clad/policy"
)

var bulkheadLayer = &layer{
	key: "bulkhead",
	definition: definition{
		kind: object, removable: true, section: bulkheads,
		doc:    "Admits so many calls at the same time. A bare name refers to one of `bulkheads`; a map describes one that belongs to the tagged service alone.",
		fields: append([]field{nameField}, bulkheadFields...),
	},
	build: func(b *builder, at place) policy.Policy {
		spec := readShared(b, b.catalog.Bulkheads, bulkheads, at, buildBulkhead)
		if spec.name != "" {
			return policy.Bulkhead{Name: spec.name}
		}
		return spec.value
	},
}

var bulkheadFields = []field{
	{key: "max_concurrent", definition: definition{
		kind: integer, min: 1, required: true,
		doc: "Calls that may be under way at the same time.",
	}},
	{key: "max_wait", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "How long a call may wait for another to end. 0s: it is rejected at once.",
	}},
	{key: "reserve", definition: definition{
		kind: number, max: 1, defaultValue: 0.,
		doc: "The share of `max_concurrent` that only critical calls may take, rounded up to whole calls; the others keep one at least.",
	}},
}

func buildBulkhead(b *builder, at place) policy.Bulkhead {
	b.require(at)
	return policy.Bulkhead{
		MaxConcurrent: at.field("max_concurrent").integer(),
		MaxWait:       at.field("max_wait").duration(),
		Reserve:       at.field("reserve").number(),
	}
}
