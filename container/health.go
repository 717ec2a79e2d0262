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
	// none. Of the nodes of a cluster and of [Partition]s, which have breakers of
	// their own, the best counts. A breaker whose recovery timeout has passed is half-open, and no
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
	// Known is how many are remembered, of Max at most; Dropped is how many have made
	// room for others so far.
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
	byID := make(map[string]*checkup)
	for _, c := range o.checkups() {
		whole := byID[c.Name]
		if whole == nil {
			whole = &checkup{ServiceHealth: ServiceHealth{Name: c.Name, Critical: c.Critical, Partitions: c.Partitions}}
			byID[c.Name] = whole
		}
		state := policy.StateClosed
		for _, b := range c.breakers { // to ask one may change it, of which listeners hear: no lock is held
			status := b.Status()
			state = max(state, status.State)
			whole.CircuitBreakers = append(whole.CircuitBreakers, CircuitBreakerHealth{b.Name(), status})
		}
		if c.key != "" && state == policy.StateOpen {
			whole.Partitions.Open = append(whole.Partitions.Open, c.key)
		}
		switch {
		case !c.part:
			whole.State = max(whole.State, state)
		case !whole.part:
			whole.part, whole.best = true, state
		default:
			whole.best = min(whole.best, state)
		}
	}
	for _, c := range byID {
		c.State = max(c.State, c.best)
		if c.Critical && c.State == policy.StateOpen {
			h.Ready = false
		}
		byBreaker := func(a, b CircuitBreakerHealth) int { return cmp.Compare(a.Name, b.Name) }
		slices.SortFunc(c.CircuitBreakers, byBreaker)
		c.CircuitBreakers = slices.CompactFunc(c.CircuitBreakers, func(a, b CircuitBreakerHealth) bool { return a.Name == b.Name }) // one that has a name is in each part
		if c.Partitions != nil {
			slices.Sort(c.Partitions.Open)
		}
		h.Services = append(h.Services, c.ServiceHealth)
	}
	slices.SortFunc(h.Services, func(a, b ServiceHealth) int { return cmp.Compare(a.Name, b.Name) })
	return h
}

// checkup is what is to be looked at of a service, or of a part of one.
type checkup struct {
	ServiceHealth
	breakers []*CircuitBreaker
	part     bool         // it is one, or has some
	key      string       // of the partition that it is
	best     policy.State // of its parts
}

func (o *Orchestrator) checkups() []checkup {
	o.mu.RLock()
	defer o.mu.RUnlock()
	tx := &transaction{o: o, catalog: o.catalog}
	found := make([]checkup, 0, len(o.services.all))
	for _, s := range o.services.all {
		_, chosen := tx.chosen(s)
		found = append(found, checkup{
			ServiceHealth: ServiceHealth{Name: s.id, Critical: chosen.Critical, Partitions: s.partitions.remembered()},
			breakers:      breakersIn(s.inForceOfAll), part: s.part,
		})
		s.partitions.each(func(key string, part *partition) {
			found = append(found, checkup{ServiceHealth: ServiceHealth{Name: s.id}, breakers: breakersIn(part.inForce), part: true, key: key})
		})
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
