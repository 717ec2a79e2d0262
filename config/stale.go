package config

import "github.com/cladgo/clad/policy"

var staleLayer = &layer{
	key: "stale",
	definition: definition{
		kind: duration, exclusiveMin: true, removable: true,
		doc: "How old the last good answer may be that takes the place of a failure, for methods that read.",
	},
	build: func(_ *builder, at place) policy.Policy { return policy.Stale(at.duration()) },
}
