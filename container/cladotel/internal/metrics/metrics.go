// Package metrics defines the metrics of cladotel: what the instruments, the
// dashboard and the table in the documentation are made of.
package metrics

import "strings"

// Kind says how a metric counts.
type Kind string

// The kinds of metrics.
const (
	Counter       Kind = "counter"
	UpDownCounter Kind = "up-down counter"
	Gauge         Kind = "gauge"
	Histogram     Kind = "histogram"
)

// Metric is a metric of OpenTelemetry.
type Metric struct {
	Name        string
	Kind        Kind
	Unit        string // as UCUM has it; {words} are no unit
	Description string
	Attributes  []string
}

// The attributes.
const (
	Operation  = "operation" // its id: "payments.Gateway.Charge"
	Outcome    = "outcome"
	Reason     = "reason"
	Breaker    = "breaker"
	Limiter    = "limiter"
	Bulkhead   = "bulkhead"
	State      = "state"
	Result     = "result"
	SharedKind = "kind" // of what is shared
	SharedName = "name"
)

// The metrics.
var (
	OperationDuration = Metric{"clad.operation.duration", Histogram, "s", "How long operations took, attempts and waits in all.", []string{Operation, Outcome}}
	AttemptDuration   = Metric{"clad.attempt.duration", Histogram, "s", "How long attempts took, each by itself.", []string{Operation}}
	Operations        = Metric{"clad.operations", Counter, "{operation}", "Operations that have ended.", []string{Operation, Outcome}}
	Active            = Metric{"clad.operations.active", UpDownCounter, "{operation}", "Operations that are under way.", []string{Operation}}
	Retries           = Metric{"clad.retries", Counter, "{attempt}", "Attempts that followed another.", []string{Operation}}
	Hedges            = Metric{"clad.hedges", Counter, "{attempt}", "Attempts that were made beside another that took long. Won: had the answer first.", []string{Operation, Result}}
	Rejections        = Metric{"clad.rejections", Counter, "{attempt}", "Attempts that a circuit breaker, a rate limiter, a bulkhead or a retry budget refused: the dependency was not called.", []string{Operation, Reason}}
	Shed              = Metric{"clad.shed", Counter, "{attempt}", "Rejections by rate limiters and bulkheads of calls that were sheddable.", []string{Operation}}
	Timeouts          = Metric{"clad.timeouts", Counter, "{timeout}", "Timeouts of the policies, of attempts and of whole operations.", []string{Operation}}
	Overruns          = Metric{"clad.attempt.overruns", Counter, "{attempt}", "Attempts that came back long after their deadline.", []string{Operation}}
	Fallbacks         = Metric{"clad.fallbacks", Counter, "{operation}", "Operations that failed and whose fallback was asked then.", []string{Operation}}
	Stale             = Metric{"clad.stale_answers", Counter, "{operation}", "Operations that failed and gave their last good answer.", []string{Operation}}
	Chaos             = Metric{"clad.chaos", Counter, "{attempt}", "Attempts that chaos struck.", []string{Operation}}
	BreakerState      = Metric{"clad.circuit_breaker.state", Gauge, "{breaker}", "1 for the state that a circuit breaker is in, 0 for the others.", []string{Breaker, State}}
	Transitions       = Metric{"clad.circuit_breaker.transitions", Counter, "{transition}", "Changes of a circuit breaker to a state.", []string{Breaker, State}}
	LimiterTokens     = Metric{"clad.rate_limiter.tokens", Gauge, "{token}", "Tokens that a rate limiter has.", []string{Limiter}}
	LimiterLimit      = Metric{"clad.rate_limiter.limit", Gauge, "{request}/s", "Requests per second that a rate limiter lets through.", []string{Limiter}}
	BulkheadInUse     = Metric{"clad.bulkhead.in_use", Gauge, "{call}", "Calls that a bulkhead has let in and that are under way.", []string{Bulkhead}}
	BulkheadWaiting   = Metric{"clad.bulkhead.waiting", Gauge, "{call}", "Calls that wait for a bulkhead's permit.", []string{Bulkhead}}
	BulkheadLimit     = Metric{"clad.bulkhead.limit", Gauge, "{call}", "Calls that a bulkhead lets in at the same time.", []string{Bulkhead}}
	SharedInstances   = Metric{"clad.shared.instances", Gauge, "{instance}", "Instances that share a circuit breaker or a rate limiter, as far as this one knows.", []string{SharedKind, SharedName}}
	SharedAlone       = Metric{"clad.shared.alone", Gauge, "{instance}", "1 while the instance goes on without the others, since the store is away; else 0.", []string{SharedKind, SharedName}}
	SharedAge         = Metric{"clad.shared.age", Gauge, "s", "How long ago the store last answered for it: how old is what is known. It is not there before the first answer, and grows while a circuit breaker is closed: it is told what there is, and asks nothing.", []string{SharedKind, SharedName}}
	ShadowTrips       = Metric{"clad.shadow.trips", Counter, "{trip}", "Times that circuit breakers of a dry run would have opened.", []string{Operation}}
	ShadowRejections  = Metric{"clad.shadow.rejections", Counter, "{attempt}", "Attempts that a dry run would have refused.", []string{Operation, Reason}}
	ShadowRetries     = Metric{"clad.shadow.retries", Counter, "{attempt}", "Attempts that would have followed another in a dry run, as far as that can be known.", []string{Operation}}
	ShadowTimeouts    = Metric{"clad.shadow.timeouts", Counter, "{timeout}", "Timeouts that there would have been in a dry run.", []string{Operation}}
	Reloads           = Metric{"clad.reloads", Counter, "{reload}", "Reloads of the profile.", []string{Outcome}}
)

// All are all metrics, in the order in which to read of them.
var All = []Metric{
	Operations, OperationDuration, Active, AttemptDuration, Retries, Hedges, Timeouts, Overruns, Rejections, Shed, Fallbacks, Stale, Chaos,
	BreakerState, Transitions, LimiterTokens, LimiterLimit,
	BulkheadInUse, BulkheadWaiting, BulkheadLimit, SharedInstances, SharedAlone, SharedAge, Reloads,
	ShadowTrips, ShadowRejections, ShadowRetries, ShadowTimeouts,
}

// Values are what the attributes can be, where that is a closed set.
var Values = map[string][]string{
	Outcome:    {"succeeded", "answered", "failed", "cancelled"},
	Reason:     {"circuit_open", "rate_limited", "bulkhead_full", "retry_budget"},
	Result:     {"won", "lost"},
	SharedKind: {"circuit_breaker", "rate_limiter"},
	State:      {"closed", "half-open", "open"},
}

// Boundaries are those of the histograms' buckets, in seconds: from a cache on the
// same machine to what nobody waits for.
var Boundaries = []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// Prometheus returns the name that the metric has in Prometheus; of a histogram it
// is followed by _bucket, _sum or _count.
func (m Metric) Prometheus() string {
	name := strings.ReplaceAll(m.Name, ".", "_")
	switch {
	case m.Unit == "s":
		name += "_seconds"
	case strings.HasSuffix(m.Unit, "/s"):
		name += "_per_second"
	}
	if m.Kind == Counter {
		name += "_total"
	}
	return name
}
