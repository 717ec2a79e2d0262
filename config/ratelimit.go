package config

import (
	"time"

	"github.com/cladgo/clad/policy"
)

var rateLimitLayer = &layer{
	key: "rate_limit",
	definition: definition{
		kind: object, removable: true, section: rateLimiters,
		doc:    "Admits so many requests a second. A bare name refers to one of `rate_limiters`; a map describes one that belongs to the tagged service alone.",
		fields: append([]field{nameField}, rateLimitFields...),
	},
	build: func(b *builder, at place) policy.Policy {
		spec := readShared(b, b.catalog.RateLimiters, rateLimiters, at, buildRateLimit)
		if spec.name != "" {
			return policy.RateLimit{Name: spec.name}
		}
		return spec.value
	},
}

var rateLimitFields = []field{
	{key: "requests_per_second", definition: definition{
		kind: number, exclusiveMin: true, required: true,
		doc: "Requests admitted on average.",
	}},
	{key: "burst", definition: definition{
		kind: integer, min: 1, defaultText: "a quarter of a second's requests, at least 1", deriveDefault: defaultBurst,
		doc: "Requests admitted at once.",
	}},
	{key: "max_wait", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "How long a request may wait for its turn. 0s: it is rejected at once.",
	}},
	{key: "shared", definition: definition{
		kind: boolean, defaultValue: false,
		doc: "Whether it is the limit of all instances together, which share a store. It needs a name.",
	}},
	{key: "exact", definition: definition{
		kind: boolean, defaultValue: false,
		doc: "Whether every request of a `shared` limit asks the store. Else instances take a few in advance.",
	}},
}

func defaultBurst(limiter place) any {
	rate := limiter.field("requests_per_second").number()
	return policy.RateLimit{RequestsPerSecond: rate}.WithDefaults().Burst
}

func buildRateLimit(b *builder, at place) policy.RateLimit {
	b.require(at)
	shared, exact := at.field("shared"), at.field("exact")
	if exact.boolean() && !shared.boolean() && !shared.isMistaken() {
		b.mistake(exact, "belongs to shared, which is not set")
	}
	return policy.RateLimit{
		RequestsPerSecond: at.field("requests_per_second").number(),
		Burst:             at.field("burst").integer(),
		MaxWait:           at.field("max_wait").duration(),
		Shared:            shared.boolean(),
		Exact:             exact.boolean(),
	}.WithDefaults()
}
