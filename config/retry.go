package config

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cladgo/clad/policy"
)

var retryLayer = &layer{
	key: "retry",
	definition: definition{
		kind: object, removable: true, shorthand: "max_attempts",
		doc: "Repeats what failed with a retryable error. `retry: 3` is short for `{max_attempts: 3}`.",
		fields: []field{
			{key: "max_attempts", definition: definition{
				kind: integer, min: 1, defaultValue: policy.DefaultMaxAttempts,
				doc: "All attempts, the first included.",
			}},
			{key: "backoff", definition: backoffDefinition},
			{key: "max_elapsed", definition: definition{
				kind: duration, defaultValue: time.Duration(0),
				doc: "No new attempt starts this long after the first one did. 0s: no limit.",
			}},
			{key: "max_wait", definition: definition{
				kind: duration, exclusiveMin: true, defaultText: "the longest wait of the back-off, at least 30s", deriveDefault: defaultMaxWait,
				doc: "The longest wait that an error may ask for (Retry-After). One that asks for more ends the retries at once.",
			}},
			{key: "budget", definition: definition{
				kind: number, max: 1, defaultValue: 0.0,
				doc: "Retries as a share of the operations of the last ten seconds, of all methods of the service together: 0.1 is one for ten. 0: no budget.",
			}},
			{key: "idempotency_key", definition: definition{
				kind: name, rule: headerRule, removable: true, defaultText: "no key",
				doc: "A header, or metadata of gRPC, by which the dependency carries out an operation once however often it is sent: all attempts bear one key, and a POST is retried. For cladhttp and cladgrpc.",
			}},
		},
	},
	build: buildRetry,
}

var headerRule = &keyRule{
	pattern: regexp.MustCompile("^[A-Za-z0-9_.-]+$"),
	text:    "the name of a header, such as Idempotency-Key",
}

// The types of a back-off.
const (
	fixedBackoff       = "fixed"
	linearBackoff      = "linear"
	exponentialBackoff = "exponential"
)

var backoffDefinition = definition{
	kind: object, variant: "type", defaultText: "exponential",
	doc: "How long to wait before each retry. A back-off of another type replaces an inherited one wholly.",
	fields: []field{
		{key: "type", definition: definition{
			kind: word, choices: []string{fixedBackoff, linearBackoff, exponentialBackoff}, defaultValue: exponentialBackoff,
			doc: "fixed: always `delay`. linear: `increment` longer each time. exponential: `multiplier` times longer each time.",
		}},
		{key: "delay", variants: []string{fixedBackoff}, definition: definition{
			kind: duration, defaultValue: 100 * time.Millisecond,
			doc: "The wait before each retry.",
		}},
		{key: "initial_delay", variants: []string{linearBackoff, exponentialBackoff}, definition: definition{
			kind: duration, defaultValue: defaultBackoff.Initial,
			doc: "The wait before the first retry.",
		}},
		{key: "increment", variants: []string{linearBackoff}, definition: definition{
			kind: duration, defaultValue: 100 * time.Millisecond,
			doc: "What each further wait is longer by.",
		}},
		{key: "multiplier", variants: []string{exponentialBackoff}, definition: definition{
			kind: number, min: 1, defaultValue: defaultBackoff.Multiplier,
			doc: "What each further wait is multiplied by.",
		}},
		{key: "max_delay", variants: []string{linearBackoff, exponentialBackoff}, definition: definition{
			kind: duration, defaultValue: defaultBackoff.Max,
			doc: "The longest wait. 0s: no maximum.",
		}},
		{key: "jitter", variants: []string{exponentialBackoff}, definition: definition{
			kind: boolean, defaultValue: defaultBackoff.Jitter,
			doc: "Spreads each wait by half either way, so that clients that failed together do not come back together.",
		}},
	},
}

var defaultBackoff = policy.DefaultBackoff().(policy.Exponential)

func defaultMaxWait(retry place) any {
	return policy.Retry{Backoff: backoffOf(retry.field("backoff"))}.WithDefaults().MaxWait
}

func buildRetry(b *builder, at place) policy.Policy {
	backoff := at.field("backoff")
	b.checkBackoff(backoff, backoff.field("type").text())
	return policy.Retry{
		MaxAttempts: at.field("max_attempts").integer(),
		Backoff:     backoffOf(backoff),
		MaxElapsed:  at.field("max_elapsed").duration(),
		MaxWait:     at.field("max_wait").duration(),
		Budget:      at.field("budget").number(),

		IdempotencyKey: at.field("idempotency_key").text(),
	}
}

func backoffOf(at place) policy.Backoff {
	switch at.field("type").text() {
	case fixedBackoff:
		return policy.Fixed(at.field("delay").duration())
	case linearBackoff:
		return policy.Linear{
			Initial:   at.field("initial_delay").duration(),
			Increment: at.field("increment").duration(),
			Max:       at.field("max_delay").duration(),
		}
	default:
		return policy.Exponential{
			Initial:    at.field("initial_delay").duration(),
			Multiplier: at.field("multiplier").number(),
			Max:        at.field("max_delay").duration(),
			Jitter:     at.field("jitter").boolean(),
		}
	}
}

// checkBackoff reports settings that the type of the back-off does not have,
// and a maximum that would cut the very first wait.
func (b *builder) checkBackoff(at place, kind string) {
	if at.field("type").isMistaken() {
		return
	}
	var fits []string
	for _, f := range at.definition.fields {
		if f.variants == nil || slices.Contains(f.variants, kind) {
			fits = append(fits, f.key)
		}
	}
	for _, f := range at.definition.fields {
		if setting := at.field(f.key); setting.isSet() && !slices.Contains(fits, f.key) {
			b.mistake(setting, "%s back-off has no such setting; it takes %s", article(kind), strings.Join(fits[1:], ", "))
		}
	}
	first, most := at.field("initial_delay"), at.field("max_delay")
	if kind == fixedBackoff || first.isMistaken() || most.isMistaken() {
		return
	}
	if most.duration() <= 0 || first.duration() <= most.duration() {
		return
	}
	if first.isSet() {
		b.mistake(first, "%v is longer than max_delay, %v (%v)", first.duration(), most.duration(), most.origin())
	} else {
		b.mistake(most, "%v is shorter than initial_delay, %v (%v)", most.duration(), first.duration(), first.origin())
	}
}

func article(kind string) string {
	if kind == exponentialBackoff {
		return "an " + kind
	}
	return "a " + kind
}
