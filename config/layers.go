package config

import (
	"slices"

	"github.com/cladgo/clad/policy"
)

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
	staleLayer,
	timeoutLayer,
	retryLayer,
	hedgeLayer,
	rateLimitLayer,
	rateLimitsLayer,
	bulkheadLayer,
	adaptiveLimitLayer,
	circuitBreakerLayer,
	attemptTimeoutLayer,
	chaosLayer,
	errorsLayer,
}

func layerKeys() []string { return keysOf(layers) }

func keysOf(layers []*layer) []string {
	keys := make([]string, len(layers))
	for i, l := range layers {
		keys[i] = l.key
	}
	return keys
}

// layersOf lists the layers that a policy has, in their common order.
func layersOf(policy place) []*layer {
	var has []*layer
	under, _ := policy.value.(values)
	for _, l := range layers {
		// A path for each layer that a policy does not have would take longer
		// than all else here.
		if under[l.key] != nil && !policy.field(l.key).isRemoved() {
			has = append(has, l)
		}
	}
	return has
}

// nesting lists the layers of a sound policy, outermost first.
func nesting(policy place) []*layer {
	has := layersOf(policy)
	order := policy.field("order").list()
	slices.SortStableFunc(has, func(a, b *layer) int {
		return slices.Index(order, a.key) - slices.Index(order, b.key)
	})
	return has
}

func layerFields() []field {
	fields := make([]field, len(layers))
	for i, l := range layers {
		fields[i] = field{key: l.key, definition: l.definition}
	}
	return fields
}
