package config

import (
	"time"

	"github.com/cladgo/clad/policy"
)

var circuitBreakerLayer = &layer{
	key: "circuit_breaker",
	definition: definition{
		kind: object, removable: true, section: circuitBreakers,
		doc:    "Stops calling a dependency that keeps failing, and probes whether it is back. A bare name refers to one of `circuit_breakers`; a map describes one that belongs to the tagged service alone.",
		fields: append([]field{nameField}, circuitBreakerFields...),
	},
	build: func(b *builder, at place) policy.Policy {
		spec := readShared(b, b.catalog.CircuitBreakers, circuitBreakers, at, buildCircuitBreaker)
		if spec.name != "" {
			return policy.CircuitBreaker{Name: spec.name}
		}
		return spec.value
	},
}

// nameField is what a breaker or limiter that is described in a policy has
// beyond one of a section.
var nameField = field{key: "name", definition: definition{
	kind: name, rule: nameRule, defaultText: "unnamed: one per tagged service",
	doc: "Shares it with whoever names it. Alone it refers to one described elsewhere.",
}}

var circuitBreakerFields = []field{
	{key: "failure_threshold", definition: definition{
		kind: integer, defaultText: "5; with failure_rate, 0", deriveDefault: defaultThreshold,
		doc: "Failures that trip the breaker: in a row, or within `window` where that is set. 0: no such rule, where there is a `failure_rate`.",
	}},
	{key: "failure_rate", definition: definition{
		kind: number, max: 1, defaultValue: 0.0,
		doc: "The share of failures within `window` that trips the breaker. 0: no such rule.",
	}},
	{key: "min_requests", definition: definition{
		kind: integer, min: 1, defaultValue: policy.DefaultMinRequests,
		doc: "Requests within `window` that `failure_rate` and `slow_rate` need before they say anything.",
	}},
	{key: "window", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "The rolling time in which failures count. 0s: they count in a row, and slow calls within 10s.",
	}},
	{key: "slow_call", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "How long a call takes that is slow. It counts from then on, also while it is under way. 0s: none is.",
	}},
	{key: "slow_rate", definition: definition{
		kind: number, exclusiveMin: true, max: 1, defaultText: "0.5, where `slow_call` is set", deriveDefault: defaultSlowRate,
		doc: "The share of slow calls within `window` that trips the breaker.",
	}},
	{key: "recovery_timeout", definition: definition{
		kind: duration, exclusiveMin: true, defaultValue: policy.DefaultRecoveryTimeout,
		doc: "How long the breaker stays open before it probes.",
	}},
	{key: "max_recovery", definition: definition{
		kind: duration, exclusiveMin: true, defaultText: "`recovery_timeout`; without that, 30s", deriveDefault: defaultMaxRecovery,
		doc: "Up to where the time that the breaker stays open grows, by a quarter with each probing that fails.",
	}},
	{key: "recovery_jitter", definition: definition{
		kind: number, max: 1, defaultValue: 0.0,
		doc: "By up to which share of it the breaker stays open for longer, at random, so that instances do not all probe at once.",
	}},
	{key: "ramp", definition: definition{
		kind: duration, defaultValue: time.Duration(0),
		doc: "How long calls are let in gradually after the breaker has closed. 0s: all at once.",
	}},
	{key: "success_threshold", definition: definition{
		kind: integer, min: 1, defaultValue: policy.DefaultSuccessThreshold,
		doc: "Probes admitted while half-open; so many must succeed to close.",
	}},
	{key: "probe_timeout", definition: definition{
		kind: duration, exclusiveMin: true, defaultValue: policy.DefaultProbeTimeout,
		doc: "A probe that hangs longer counts as failed.",
	}},
	{key: "patience", definition: definition{
		kind: duration, exclusiveMin: true, defaultValue: policy.DefaultPatience,
		doc: "How long an attempt must have run, when the caller's own deadline ends it, to count as a failure.",
	}},
	{key: "shared", definition: definition{
		kind: boolean, defaultValue: false,
		doc: "Whether all instances that share a store open it together. It needs a name.",
	}},
	{key: "quorum", definition: definition{
		kind: integer, min: 1, defaultText: "2, of a shared one", deriveDefault: defaultQuorum,
		doc: "How many instances must find the dependency down before a `shared` breaker opens for all; fewer where there are fewer.",
	}},
}

func defaultQuorum(breaker place) any {
	if !breaker.field("shared").boolean() {
		return nil
	}
	return policy.DefaultQuorum
}

func defaultThreshold(breaker place) any {
	rate := breaker.field("failure_rate").number()
	return int(policy.CircuitBreaker{FailureRate: rate}.WithDefaults().FailureThreshold)
}

func defaultSlowRate(breaker place) any {
	if breaker.field("slow_call").duration() == 0 {
		return nil
	}
	return policy.DefaultSlowRate
}

func defaultMaxRecovery(breaker place) any {
	return policy.CircuitBreaker{RecoveryTimeout: recoveryTimeout(breaker)}.WithDefaults().MaxRecovery
}

// recoveryTimeout is 0 where none is written: the time then grows.
func recoveryTimeout(breaker place) time.Duration {
	if at := breaker.field("recovery_timeout"); at.isSet() {
		return at.duration()
	}
	return 0
}

func buildCircuitBreaker(b *builder, at place) policy.CircuitBreaker {
	threshold, rate, window := at.field("failure_threshold"), at.field("failure_rate"), at.field("window")
	longest, slow, slowRate := at.field("max_recovery"), at.field("slow_call"), at.field("slow_rate")
	shared, quorum := at.field("shared"), at.field("quorum")
	if quorum.isSet() && !shared.isSet() && !quorum.isMistaken() && !at.isIncomplete() {
		b.mistake(quorum, "belongs to shared, which is not set")
	}
	spec := policy.CircuitBreaker{
		FailureThreshold: uint32(threshold.integer()),
		FailureRate:      rate.number(),
		MinRequests:      uint32(at.field("min_requests").integer()),
		Window:           window.duration(),
		RecoveryTimeout:  recoveryTimeout(at),
		MaxRecovery:      longest.duration(),
		SuccessThreshold: uint32(at.field("success_threshold").integer()),
		ProbeTimeout:     at.field("probe_timeout").duration(),
		Patience:         at.field("patience").duration(),
		SlowCall:         slow.duration(),
		SlowRate:         slowRate.number(),
		RecoveryJitter:   at.field("recovery_jitter").number(),
		Ramp:             at.field("ramp").duration(),
		Shared:           shared.boolean(),
	}.WithDefaults()
	if spec.Shared {
		spec.Quorum = uint32(quorum.integer())
	}

	if rate.number() > 0 && window.duration() == 0 && !window.isMistaken() {
		b.mistake(rate, "needs a window to be counted in; set window: 10s or the like beside it")
	}
	if longest.isSet() && !longest.isMistaken() && longest.duration() < spec.RecoveryTimeout {
		b.mistake(longest, "%v is shorter than recovery_timeout, which is %v", longest.duration(), spec.RecoveryTimeout)
	}
	if slowRate.isSet() && slow.duration() == 0 && !slow.isMistaken() && !slowRate.isMistaken() && !at.isIncomplete() {
		b.mistake(slowRate, "belongs to slow_call, which is not set; set slow_call: 1s or the like beside it")
	}
	if rate.isMistaken() || rate.isSet() && rate.number() > 0 {
		return spec
	}
	if threshold.isSet() && !threshold.isMistaken() && threshold.integer() == 0 {
		b.mistake(threshold, "0 leaves no rule that could trip the breaker; set failure_rate, or a number above 0")
	}
	if least := at.field("min_requests"); least.isSet() && !rate.isSet() && !slow.isSet() && !least.isMistaken() && !at.isIncomplete() {
		b.mistake(least, "belongs to failure_rate or slow_call, of which neither is set")
	}
	return spec
}
