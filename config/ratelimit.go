package config

import (
	"time"

	"github.com/cladgo/clad/policy"
)

var rateLimitLayer = &layer{
	key: "rate_limit",
	definition: definition{
		kind: object, none: true, names: rateLimiters,
		doc:    "Admits so many requests a second. A bare name refers to one of `rate_limiters`; a map describes one that belongs to the tagged service alone.",
		fields: append([]field{nameField}, rateLimitFields...),
	},
	build: func(b *builder, at place) policy.Policy {
		spec := shared(b, b.catalog.RateLimiters, rateLimiters, at, buildRateLimit)
		if spec.name != "" {
			return policy.RateLimit{Name: spec.name}
		}
		return spec.value
	},
}

var rateLimitFields = []field{
	{key: "requests_per_second", definition: definition{
		kind: number, above: true, required: true,
		doc: "Requests admitted on average.",
	}},
	{key: "burst", definition: definition{
		kind: integer, min: 1, byDefault: "a quarter of a second's requests, at least 1", derive: defaultBurst,
		doc: "Requests admitted at once.",
	}},
	{key: "max_wait", definition: definition{
		kind: duration, initial: time.Duration(0),
		doc: "How long a request may wait for its turn. 0s: it is rejected at once.",
	}},
}

func defaultBurst(limiter place) any {
	rate := limiter.field("requests_per_second").number()
	return policy.RateLimit{RequestsPerSecond: rate}.WithDefaults().Burst
}

func buildRateLimit(b *builder, at place) policy.RateLimit {
	b.require(at)
	return policy.RateLimit{
		RequestsPerSecond: at.field("requests_per_second").number(),
		Burst:             at.field("burst").integer(),
		MaxWait:           at.field("max_wait").duration(),
	}.WithDefaults()
}
