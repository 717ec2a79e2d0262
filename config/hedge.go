package config

import "github.com/cladgo/clad/policy"

var hedgeLayer = &layer{
	key: "hedge",
	definition: definition{
		kind: object, removable: true,
		doc: "Asks once more, beside an attempt that takes long, and takes the answer that comes first. For methods that are marked `//clad:safe`, requests of net/http that only read, and unary calls of gRPC without side effects; others go on without.",
		fields: []field{
			{key: "delay", definition: definition{
				kind: duration, exclusiveMin: true,
				doc: "How long an attempt is waited for before it is hedged. This or `quantile` must be set.",
			}},
			{key: "quantile", definition: definition{
				kind: number, exclusiveMin: true, max: 1,
				doc: "The delay as a quantile of how long answers have taken of late, below 1: 0.95 hedges the slowest twentieth.",
			}},
			{key: "max_hedges", definition: definition{
				kind: integer, min: 1, max: 10, defaultValue: policy.DefaultMaxHedges,
				doc: "How many more attempts there may be beside the first.",
			}},
			{key: "budget", definition: definition{
				kind: number, exclusiveMin: true, max: 1, defaultValue: policy.DefaultHedgeBudget,
				doc: "Hedges as a share of the calls of the last ten seconds, of all methods of the service together.",
			}},
		},
	},
	build: buildHedge,
}

func buildHedge(b *builder, at place) policy.Policy {
	delay, quantile := at.field("delay"), at.field("quantile")
	switch {
	case at.isIncomplete(), delay.isMistaken(), quantile.isMistaken():
	case !delay.isSet() && !quantile.isSet():
		b.mistake(at, "says nothing of when to hedge: set delay or quantile")
	case delay.isSet() && quantile.isSet():
		b.mistake(quantile, "delay (%v) says when to hedge already; leave one of them out", delay.origin())
	case quantile.isSet() && quantile.number() >= 1:
		b.mistake(quantile, "must be below 1: what is above all durations is never reached")
	}
	return policy.Hedge{
		Delay:     delay.duration(),
		Quantile:  quantile.number(),
		MaxHedges: at.field("max_hedges").integer(),
		Budget:    at.field("budget").number(),
	}
}
