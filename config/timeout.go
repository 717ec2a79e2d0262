package config

import "github.com/cladgo/clad/policy"

var timeoutLayer = &layer{
	key: "timeout",
	definition: definition{
		kind: duration, exclusiveMin: true, removable: true,
		doc: "How long the whole operation may take, retries and waits included.",
	},
	build: func(_ *builder, at place) policy.Policy { return policy.Timeout(at.duration()) },
}

var attemptTimeoutLayer = &layer{
	key: "attempt_timeout",
	definition: definition{
		kind: duration, exclusiveMin: true, removable: true,
		doc: "How long each attempt may take.",
	},
	build: func(_ *builder, at place) policy.Policy { return policy.Timeout(at.duration()) },
}
