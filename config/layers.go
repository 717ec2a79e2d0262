package config

import "github.com/cladgo/clad/policy"

// A layer is one kind of protection that a policy may have: the key that it
// stands under, what may stand there, and how that becomes a policy.
type layer struct {
	key        string
	definition definition
	build      func(b *builder, at place) policy.Policy
}

// layers are all there are, in the order in which they nest where a policy does
// not say otherwise, outermost first.
var layers = []*layer{
	timeoutLayer,
	retryLayer,
	rateLimitLayer,
	circuitBreakerLayer,
	attemptTimeoutLayer,
}

func layerKeys() []string {
	keys := make([]string, len(layers))
	for i, l := range layers {
		keys[i] = l.key
	}
	return keys
}

func layerFields() []field {
	fields := make([]field, len(layers))
	for i, l := range layers {
		fields[i] = field{key: l.key, definition: l.definition}
	}
	return fields
}
