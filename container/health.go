package container

import (
	"cmp"
	"slices"

	"github.com/cladgo/clad/policy"
)

// Health says whether an application can do its work, as its circuit breakers see
// it. It is for readiness alone: a supervisor that restarts an application because
// one of its dependencies is down takes away what still works, and cures nothing.
type Health struct {
	// Ready is false while a critical service is open. Which services are critical
	// the profile says: services: {payments.Gateway: {critical: true}}.
	Ready bool
	// Services are the tagged services that are wrapped so far, sorted by name.
	Services []ServiceHealth
}

// ServiceHealth is how one service is.
type ServiceHealth struct {
	// Name is the service's, as in [ServiceInfo].
	Name string
	// Critical says whether the application is ready without it.
	Critical bool
	// State is the worst of its circuit breakers' states; closed where it has
	// none. Of its partitions, the nodes of a cluster or tenants, the best counts;
	// none does for a minute after one was forgotten, which may be the one that
	// works. A breaker whose recovery timeout has passed is half-open, and no
	// reason not to be ready: it takes calls to see whether the service works.
	State policy.State
	// CircuitBreakers are those that its methods' calls go through, sorted by
	// name. Some may be shared with other services.
	CircuitBreakers []CircuitBreakerHealth
	// Partitions says how its partitions are; nil where it has none.
	Partitions *PartitionsHealth
}

// PartitionsHealth is how the partitions of a service are; see [Partition].
type PartitionsHealth struct {
	// Known is how many are remembered, of Max at most but for those that are in use;
	// Dropped is how many have made room for others so far.
	Known, Max int
	Dropped    uint64
	// Open are the keys of those with an open circuit breaker, sorted.
	Open []string
}

// CircuitBreakerHealth is how a circuit breaker of a service is.
type CircuitBreakerHealth struct {
	Name string
	CircuitBreakerStatus
}

// Health returns how the services are now.
func (o *Orchestrator) Health() Health {
	h := Health{Ready: true, Services: []ServiceHealth{}}
	for _, c := range o.checkups() {
		c.State = c.look(c.breakers)
		if len(c.partitions) > 0 {
			best := policy.StateOpen
			for _, part := range c.partitions {
				state := c.look(part.breakers)
				if best = min(best, state); state == policy.StateOpen {
					c.Partitions.Open = append(c.Partitions.Open, part.name)
				}
			}
			slices.Sort(c.Partitions.Open)
			if c.complete {
				c.State = max(c.State, best)
			}
		}
		if c.Critical && c.State == policy.StateOpen {
			h.Ready = false
		}
		byBreaker := func(a, b CircuitBreakerHealth) int { return cmp.Compare(a.Name, b.Name) }
		slices.SortFunc(c.CircuitBreakers, byBreaker)
		c.CircuitBreakers = slices.CompactFunc(c.CircuitBreakers, func(a, b CircuitBreakerHealth) bool { return a.Name == b.Name }) // one that has a name is in each partition
		h.Services = append(h.Services, c.ServiceHealth)
	}
	slices.SortFunc(h.Services, func(a, b ServiceHealth) int { return cmp.Compare(a.Name, b.Name) })
	return h
}

// checkup is what is to be looked at of a service.
type checkup struct {
	ServiceHealth
	breakers   []*CircuitBreaker
	partitions []checkedPartition
	complete   bool // these are all of them
}

type checkedPartition struct {
	name     string
	breakers []*CircuitBreaker
}

// look notes how breakers are, and returns the worst of their states. To ask one may
// change it, of which listeners hear: no lock is held.
func (c *checkup) look(breakers []*CircuitBreaker) policy.State {
	worst := policy.StateClosed
	for _, b := range breakers {
		status := b.Status()
		worst = max(worst, status.State)
		c.CircuitBreakers = append(c.CircuitBreakers, CircuitBreakerHealth{b.Name(), status})
	}
	return worst
}

func (o *Orchestrator) checkups() []*checkup {
	o.mu.RLock()
	defer o.mu.RUnlock()
	tx := &transaction{o: o, catalog: o.catalog}
	found := make([]*checkup, 0, len(o.services.all))
	for _, s := range o.services.all {
		_, chosen := tx.chosen(s)
		c := &checkup{
			ServiceHealth: ServiceHealth{Name: s.id, Critical: chosen.Critical, Partitions: s.owner.parts.remembered()},
			breakers:      breakersIn(s.inForce), complete: s.owner.parts.complete(),
		}
		s.owner.parts.each(func(part *partition) {
			c.partitions = append(c.partitions, checkedPartition{part.key.String(), breakersIn(part.inForce)})
		})
		found = append(found, c)
	}
	return found
}

func breakersIn(inForce func(func(*step))) []*CircuitBreaker {
	all := make(map[*CircuitBreaker]bool)
	inForce(func(s *step) {
		if its, ok := s.layer.(*CircuitBreaker); ok {
			all[its] = true
		}
	})
	return byName(all)
}
