package container

import (
	"sync"

	"github.com/cladgo/clad/policy"
)

func (c *counters) totals() policy.Totals {
	t := policy.Totals{
		SuccessfulOperations:     c.of(countSuccess),
		Answered:                 c.of(countAnswered),
		FailedOperations:         c.of(countFailure),
		Cancelled:                c.of(countCancelled),
		RetryAttempts:            c.of(countRetry),
		CircuitBreakerTrips:      c.of(countTrip),
		CircuitBreakerRejections: c.of(countRejection),
		RateLimitHits:            c.of(countLimited),
		TimeoutCount:             c.of(countTimeout),
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
	sum.Answered += t.Answered
	sum.FailedOperations += t.FailedOperations
	sum.Cancelled += t.Cancelled
	sum.RetryAttempts += t.RetryAttempts
	sum.CircuitBreakerTrips += t.CircuitBreakerTrips
	sum.CircuitBreakerRejections += t.CircuitBreakerRejections
	sum.RateLimitHits += t.RateLimitHits
	sum.TimeoutCount += t.TimeoutCount
}
