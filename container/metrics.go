package container

import (
	"slices"

	"github.com/cladgo/clad/internal/counters"
	"github.com/cladgo/clad/policy"
)

// What is counted of an operation; what most have comes first: see [counters.Often].
const (
	countSuccess counters.Kind = iota
	countFailure               // cancelled calls, too
	countCancelled
	countRetry
	countTrip
	countRejection
	countLimited
	countTimeout
	countAnswered
	countOverrun
	countFull
	countFallback
	countStale
	countChaos
	countShed
	countBudget
	countHedgeWon
	countHedgeLost
	countBegun // these two only where the operation's end is told to somebody
	countEnded
)

// There are counters for all of them.
const _ = uint(counters.Kinds - 1 - countEnded)

// What is counted of operations that are only rehearsed, in the place of what they
// have not.
const (
	countUnseen  = countBegun
	countAssumed = countEnded
)

// Metrics returns what has been counted so far. Operations that have not run
// are left out.
func (o *Orchestrator) Metrics() policy.Metrics {
	m := policy.Metrics{Operations: make(map[string]policy.Totals)}
	add(&m.Totals, totalsOf(&o.forgotten))
	o.counters.Each(func(operation string, c *counters.Counters) {
		if totals := totalsOf(c); totals.TotalOperations > 0 {
			m.Operations[operation] = totals
			add(&m.Totals, totals)
		}
	})
	return m
}

// Active returns how many operations are under way, by id; those without any policy
// are not among them. They are counted where [OnCompleted] or [OnBegin] asks to be
// told of operations, else there are none. A result that is still in use, a body that
// nobody closes, keeps its operation under way.
func (o *Orchestrator) Active() map[string]uint64 {
	active := make(map[string]uint64)
	o.counters.Each(func(operation string, c *counters.Counters) {
		ended := c.Of(countEnded) // first: none ends that has not begun
		if n := c.Of(countBegun) - ended; n > 0 {
			active[operation] = n
		}
	})
	return active
}

// dropCounters keeps of an operation that is forgotten what it adds to the whole.
// One of that id that is wrapped, or a policy of the catalog, goes on counting.
func (o *Orchestrator) dropCounters(id string) {
	if _, ok := o.pipelineEver(id); ok || o.isWrapped(id) {
		return
	}
	c := o.counters.Drop(id)
	for kind := range counters.Kinds {
		o.forgotten.Add(counters.Kind(kind), c.Of(counters.Kind(kind)))
	}
}

func (o *Orchestrator) isWrapped(operation string) bool {
	return slices.ContainsFunc(o.services.all, func(s *service) bool {
		return slices.ContainsFunc(s.bound, func(b *binding) bool { return b.operation == operation })
	})
}

func totalsOf(c *counters.Counters) policy.Totals {
	t := policy.Totals{
		SuccessfulOperations:     c.Of(countSuccess),
		Answered:                 c.Of(countAnswered),
		FailedOperations:         c.Of(countFailure),
		Cancelled:                c.Of(countCancelled),
		RetryAttempts:            c.Of(countRetry),
		CircuitBreakerTrips:      c.Of(countTrip),
		CircuitBreakerRejections: c.Of(countRejection),
		RateLimitHits:            c.Of(countLimited),
		BulkheadRejections:       c.Of(countFull),
		RetryBudgetHits:          c.Of(countBudget),
		HedgesWon:                c.Of(countHedgeWon),
		TimeoutCount:             c.Of(countTimeout),
		Overruns:                 c.Of(countOverrun),
		Fallbacks:                c.Of(countFallback),
		Stale:                    c.Of(countStale),
		Chaos:                    c.Of(countChaos),
		Shed:                     c.Of(countShed),
	}
	t.Hedges = t.HedgesWon + c.Of(countHedgeLost)
	t.TotalOperations = t.SuccessfulOperations + t.FailedOperations
	return t
}

func add(sum *policy.Totals, t policy.Totals) {
	sum.TotalOperations += t.TotalOperations
	sum.SuccessfulOperations += t.SuccessfulOperations
	sum.Answered += t.Answered
	sum.FailedOperations += t.FailedOperations
	sum.Cancelled += t.Cancelled
	sum.RetryAttempts += t.RetryAttempts
	sum.CircuitBreakerTrips += t.CircuitBreakerTrips
	sum.CircuitBreakerRejections += t.CircuitBreakerRejections
	sum.RateLimitHits += t.RateLimitHits
	sum.BulkheadRejections += t.BulkheadRejections
	sum.RetryBudgetHits += t.RetryBudgetHits
	sum.Hedges += t.Hedges
	sum.HedgesWon += t.HedgesWon
	sum.TimeoutCount += t.TimeoutCount
	sum.Overruns += t.Overruns
	sum.Fallbacks += t.Fallbacks
	sum.Stale += t.Stale
	sum.Chaos += t.Chaos
	sum.Shed += t.Shed
}
