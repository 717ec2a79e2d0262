package config

import (
	"regexp"
	"strings"
	"time"

	"github.com/cladgo/clad/policy"
)

var chaosLayer = &layer{
	key: "chaos",
	definition: definition{
		kind: object, removable: true,
		doc: "Makes a share of the calls slow, or fail, for a while. In a profile whose name begins with `prod` it must be allowed by that name.",
		fields: []field{
			{key: "rate", definition: definition{
				kind: number, exclusiveMin: true, max: 1, required: true,
				doc: "The share of the calls that it strikes.",
			}},
			{key: "latency", definition: definition{
				kind: duration, defaultValue: time.Duration(0),
				doc: "How much later they come to the dependency, or fail.",
			}},
			{key: "error", definition: definition{
				kind: name, rule: chaosErrorRule,
				doc: "What they fail with, without the dependency being called: a name that the code gives with `module.WithErrors`, or else a text.",
			}},
			{key: "for", definition: definition{
				kind: duration, exclusiveMin: true, defaultValue: policy.DefaultChaosFor,
				doc: "How long it lasts, from when the application starts or a reload changes it.",
			}},
			{key: "allow_in", definition: definition{
				kind: name, rule: chaosErrorRule,
				doc: "The name of the profile of production that it is meant for.",
			}},
		},
	},
	build: buildChaos,
}

var chaosErrorRule = &keyRule{
	pattern: regexp.MustCompile(`^[^\p{C}\p{Z}]([^\p{C}]*[^\p{C}\p{Z}])?$`),
	text:    "a line of text",
}

func buildChaos(b *builder, at place) policy.Policy {
	b.require(at)
	allowed := at.field("allow_in")
	if strings.HasPrefix(b.profile, "prod") && allowed.text() != b.profile && !allowed.isMistaken() && !at.isIncomplete() {
		b.mistake(at, "the profile %s is one of production; write allow_in: %[1]s beside it if that is meant", b.profile)
	}
	chaos := policy.Chaos{
		Rate:    at.field("rate").number(),
		Latency: at.field("latency").duration(),
		For:     at.field("for").duration(),
	}
	if text := at.field("error").text(); text != "" {
		chaos.Error = policy.ErrorName(text)
	}
	if chaos.Latency == 0 && chaos.Error == nil && !at.isIncomplete() {
		b.mistake(at, "it does nothing; set latency or error")
	}
	return chaos
}
