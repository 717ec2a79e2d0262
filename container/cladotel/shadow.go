package cladotel

import (
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel/metric"
)

// shadowed are the instruments of a dry run; see container.Shadow.
type shadowed struct {
	trips, rejections, retries, timeouts metric.Int64ObservableCounter
}

// observeShadow tells what a dry run would have done; nothing while there is none.
func (m *meter) observeShadow(o *container.Orchestrator, i shadowed, to metric.Observer) {
	shadow, ok := o.Shadow()
	if !ok {
		return
	}
	byLabel := make(map[string]*policy.Totals, len(shadow.Operations))
	for id, t := range shadow.Operations {
		label := m.operations.of(id).label
		if byLabel[label] == nil {
			byLabel[label] = &policy.Totals{}
		}
		add(byLabel[label], t, 1)
		byLabel[label].CircuitBreakerTrips += t.CircuitBreakerTrips
	}
	for label, t := range byLabel {
		observe := func(i metric.Int64Observable, n uint64, more ...string) {
			to.ObserveInt64(i, int64(n), attributes(append([]string{metrics.Operation, label}, more...)...))
		}
		observe(i.trips, t.CircuitBreakerTrips)
		observe(i.retries, t.RetryAttempts)
		observe(i.timeouts, t.TimeoutCount)
		observe(i.rejections, t.CircuitBreakerRejections, metrics.Reason, string(container.CircuitOpen))
		observe(i.rejections, t.RateLimitHits, metrics.Reason, string(container.RateLimited))
		observe(i.rejections, t.RetryBudgetHits, metrics.Reason, string(container.RetryBudget))
	}
}
