package console

import (
	"maps"
	"slices"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// dryRunOf says what another profile would have done; nil where there is none.
func dryRunOf(o *container.Orchestrator) *DryRun {
	shadow, ok := o.Shadow()
	if !ok {
		return nil
	}
	d := &DryRun{
		Profile: shadow.Profile, Since: shadow.Since,
		Trips: shadow.CircuitBreakerTrips, Rejections: rejectionsOf(shadow.Totals), Retries: shadow.RetryAttempts,
		Assumed: shadow.Assumed, Unseen: shadow.Unseen, Totals: totalsOf(shadow.Totals),
		Operations: []DryRunOperation{}, CircuitBreakers: []CircuitBreaker{},
	}
	for _, id := range slices.Sorted(maps.Keys(shadow.Operations)) {
		t := shadow.Operations[id]
		if t.CircuitBreakerTrips+rejectionsOf(t)+t.RetryAttempts+t.TimeoutCount == 0 {
			continue
		}
		d.Operations = append(d.Operations, DryRunOperation{id, t.CircuitBreakerTrips, rejectionsOf(t), t.RetryAttempts, totalsOf(t)})
	}
	for _, b := range shadow.CircuitBreakers {
		d.CircuitBreakers = append(d.CircuitBreakers, CircuitBreaker{
			Name: b.Name, State: b.State.String(), Mode: string(b.Mode), Since: b.Since, RetryAfter: b.RetryAfter.Seconds(),
		})
	}
	return d
}

func rejectionsOf(t policy.Totals) uint64 {
	return t.CircuitBreakerRejections + t.RateLimitHits + t.BulkheadRejections
}
