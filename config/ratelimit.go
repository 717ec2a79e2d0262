package config

import (
	"time"

	"github.com/cladgo/clad/policy"
)

var rateLimitLayer = &layer{
	key: "rate_limit",
	definition: definition{
		kind: object, removable: true, section: rateLimiters,
		doc:    "Admits so many requests a second, or in any stretch of a period. A bare name refers to one of `rate_limiters`; a map describes one that belongs to the tagged service alone.",
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

// rateLimitsLayer is several limits by their names. They nest as they stand.
var rateLimitsLayer = &layer{
	key: "rate_limits",
	definition: definition{
		kind: list, rule: nameRule, section: rateLimiters, removable: true,
		doc: "Several limits, by their names in `rate_limiters`: a request must pass all of them, and takes no token of any where one refuses it.",
	},
	build: func(b *builder, at place) policy.Policy {
		var limits []policy.Policy
		for i, name := range at.list() {
			b.refer(rateLimiters, name, at.item(i))
			limits = append(limits, policy.RateLimit{Name: name})
		}
		if limits == nil && !at.isIncomplete() {
			b.mistake(at, "names no rate limiter; leave it out, or write none to take away what is inherited")
		}
		return policy.Combine(limits...)
	},
}

var rateLimitFields = []field{
	{key: "requests_per_second", definition: definition{
		kind: number, exclusiveMin: true,
		doc: "Requests admitted on average. It must be set, or else `requests_per_period` and `per`.",
	}},
	{key: "burst", definition: definition{
		kind: integer, min: 1, defaultText: "a quarter of a second's requests, at least 1", deriveDefault: defaultBurst,
		doc: "Requests admitted at once.",
	}},
	{key: "requests_per_period", definition: definition{
		kind: integer, min: 1,
		doc: "Requests admitted in any stretch of time as long as `per`, in the place of `requests_per_second`.",
	}},
	{key: "per", definition: definition{
		kind: duration, exclusiveMin: true,
		doc: "The period of `requests_per_period`.",
	}},
	{key: "max_wait", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "How long a request may wait for its turn. 0s: it is rejected at once.",
	}},
	{key: "reserve", definition: definition{
		kind: number, max: 1, defaultValue: 0.,
		doc: "The share of `burst`, or of `requests_per_period`, that only critical calls may take, rounded up to whole ones; the others keep one at least, and do not wait.",
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
	rate := limiter.field("requests_per_second")
	if !rate.isSet() {
		return nil
	}
	return policy.RateLimit{RequestsPerSecond: rate.number()}.WithDefaults().Burst
}

func buildRateLimit(b *builder, at place) policy.RateLimit {
	rate, burst := at.field("requests_per_second"), at.field("burst")
	requests, per := at.field("requests_per_period"), at.field("per")
	shared, exact := at.field("shared"), at.field("exact")
	if exact.boolean() && !shared.boolean() && !shared.isMistaken() {
		b.mistake(exact, "belongs to shared, which is not set")
	}
	if reserve := at.field("reserve"); reserve.isSet() && reserve.number() > 0 && shared.boolean() {
		b.mistake(reserve, "does not go with shared (%v)", shared.origin())
	}
	switch periodic := requests.isSet() || per.isSet(); {
	case at.isIncomplete():
	case periodic && !requests.isSet():
		b.mistake(per, "belongs to requests_per_period, which is not set")
	case periodic && !per.isSet():
		b.mistake(requests, "needs its period; set per: 1m or the like beside it")
	case periodic && rate.isSet():
		b.mistake(requests, "stands beside requests_per_second (%v); make them two limiters, and name both in rate_limits", rate.origin())
	case periodic && burst.isSet():
		b.mistake(burst, "belongs to requests_per_second; requests_per_period may all come at once")
	case periodic && shared.boolean():
		b.mistake(shared, "goes with requests_per_second, and not with requests_per_period")
	case !periodic && !rate.isSet():
		b.mistake(at, "requests_per_second is missing")
	}
	return policy.RateLimit{
		RequestsPerSecond: rate.number(),
		Burst:             burst.integer(),
		RequestsPerPeriod: requests.integer(),
		Per:               per.duration(),
		MaxWait:           at.field("max_wait").duration(),
		Reserve:           at.field("reserve").number(),
		Shared:            shared.boolean(),
		Exact:             exact.boolean(),
	}.WithDefaults()
}
