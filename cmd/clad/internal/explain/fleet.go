package explain

import (
	"fmt"
	"math"
	"strconv"

	"github.com/cladgo/clad/internal/lease"
	"github.com/cladgo/clad/internal/printable"
	"github.com/cladgo/clad/policy"
)

// fleetOf says what it means that instances share a layer by a store, and what becomes
// of that without the store; nothing where they do not.
func fleetOf(layer policy.Policy) []string {
	switch l := layer.(type) {
	case policy.CircuitBreaker:
		if l.Shared {
			return sharedBreaker(l.WithDefaults())
		}
	case policy.RateLimit:
		if l.Shared {
			return sharedLimit(l.WithDefaults())
		}
	}
	return nil
}

func sharedBreaker(b policy.CircuitBreaker) []string {
	quorum := "1 instance has opened it"
	if b.Quorum > 1 {
		quorum = fmt.Sprintf("%d instances have opened it (all, where there are fewer)", b.Quorum)
	}
	probes := "1 probe"
	if b.SuccessThreshold > 1 {
		probes = fmt.Sprintf("%d probes", b.SuccessThreshold)
	}
	return []string{
		"fleet: opens for all when " + quorum + "; " + probes + " of all together, then all close",
		"without the store: each instance opens, probes and closes it by itself",
	}
}

func sharedLimit(l policy.RateLimit) []string {
	rate, burst := number(l.RequestsPerSecond), float64(l.Burst)
	held := "exact: every call asks the store"
	if !l.Exact {
		burst = max(burst, math.Ceil(l.RequestsPerSecond*lease.Horizon.Seconds()))
		held = fmt.Sprintf("held in advance: %v of what each instance uses; %s of all at most pass beyond that in a stretch of time",
			lease.Horizon, number(burst+l.RequestsPerSecond))
	}
	return []string{
		"fleet: " + rate + " a second and " + number(burst) + " at once, of all instances together",
		held,
		"without the store: each instance keeps to " + rate + " a second divided by the instances last known; " +
			"no call fails, or waits longer than " + printable.Duration(lease.Patience) + " for it",
	}
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
