package container

import (
	"sync"

	"github.com/cladgo/clad/policy"
)

// counters count what happens to one operation: a success is one add, and the rest
// is derived when somebody asks.
type counters struct {
	succeeded, failed, cancelled        adder
	retries, trips, rejections, limited adder
	timeouts                            adder
}

func (c *counters) totals() policy.Totals {
	t := policy.Totals{
		SuccessfulOperations:     c.succeeded.sum(),
		FailedOperations:         c.failed.sum(),
		Cancelled:                c.cancelled.sum(),
		RetryAttempts:            c.retries.sum(),
		CircuitBreakerTrips:      c.trips.sum(),
		CircuitBreakerRejections: c.rejections.sum(),
		RateLimitHits:            c.limited.sum(),
		TimeoutCount:             c.timeouts.sum(),
	}
	t.TotalOperations = t.SuccessfulOperations + t.FailedOperations
	return t
}

// tally holds the counters of all operations by their ids. Those of one id share
// them.
type tally struct {
	mu       sync.RWMutex
	counters map[string]*counters
}

func (t *tally) of(operation string) *counters {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.counters[operation]
	if !ok {
		if t.counters == nil {
			t.counters = make(map[string]*counters)
		}
		c = &counters{}
		t.counters[operation] = c
	}
	return c
}

func (t *tally) metrics() policy.Metrics {
	t.mu.RLock()
	defer t.mu.RUnlock()
	m := policy.Metrics{Operations: make(map[string]policy.Totals)}
	for operation, c := range t.counters {
		totals := c.totals()
		if totals.TotalOperations == 0 {
			continue
		}
		m.Operations[operation] = totals
		add(&m.Totals, totals)
	}
	return m
}

func add(sum *policy.Totals, t policy.Totals) {
	sum.TotalOperations += t.TotalOperations
	sum.SuccessfulOperations += t.SuccessfulOperations
	sum.FailedOperations += t.FailedOperations
	sum.Cancelled += t.Cancelled
	sum.RetryAttempts += t.RetryAttempts
	sum.CircuitBreakerTrips += t.CircuitBreakerTrips
	sum.CircuitBreakerRejections += t.CircuitBreakerRejections
	sum.RateLimitHits += t.RateLimitHits
	sum.TimeoutCount += t.TimeoutCount
}
