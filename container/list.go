package container

import (
	"cmp"
	"maps"
	"slices"
)

// CircuitBreakers lists all circuit breakers that there are, sorted by name: those
// that have a name, and those of services, of operations, and of policies that
// were run by their name.
func (o *Orchestrator) CircuitBreakers() []*CircuitBreaker {
	o.mu.RLock()
	defer o.mu.RUnlock()
	all := make(map[*CircuitBreaker]bool)
	for _, b := range o.breakers.known {
		all[b] = true
	}
	o.inForce(func(s *step) {
		if its, ok := s.layer.(*CircuitBreaker); ok {
			all[its] = true
		}
	})
	return byName(all)
}

// RateLimiters lists all rate limiters that there are, as
// [Orchestrator.CircuitBreakers] does.
func (o *Orchestrator) RateLimiters() []*RateLimiter {
	o.mu.RLock()
	defer o.mu.RUnlock()
	all := make(map[*RateLimiter]bool)
	for _, l := range o.limiters.known {
		all[l] = true
	}
	o.inForce(func(s *step) {
		if its, ok := s.layer.(*RateLimiter); ok {
			all[its] = true
		}
	})
	return byName(all)
}

// Bulkheads lists all bulkheads that there are, as [Orchestrator.CircuitBreakers]
// does.
func (o *Orchestrator) Bulkheads() []*Bulkhead {
	o.mu.RLock()
	defer o.mu.RUnlock()
	all := make(map[*Bulkhead]bool)
	for _, b := range o.bulkheads.known {
		all[b] = true
	}
	o.inForce(func(s *step) {
		if its, ok := s.layer.(*Bulkhead); ok {
			all[its] = true
		}
	})
	return byName(all)
}

// CircuitBreaker returns the breaker of a name, which is one that it was registered
// under or what errors, logs and metrics call it. Looking for one never makes one.
func (o *Orchestrator) CircuitBreaker(name string) (*CircuitBreaker, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.breakers.find(name)
}

// RateLimiter returns the limiter of a name, as [Orchestrator.CircuitBreaker] does.
func (o *Orchestrator) RateLimiter(name string) (*RateLimiter, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.limiters.find(name)
}

// Bulkhead returns the bulkhead of a name, as [Orchestrator.CircuitBreaker] does.
func (o *Orchestrator) Bulkhead(name string) (*Bulkhead, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.bulkheads.find(name)
}

// inForce calls f for every layer of what is in force.
func (o *Orchestrator) inForce(f func(*step)) {
	each := func(p *Pipeline) { p.inForce(f) }
	for _, s := range o.services.all {
		s.inForce(f)
		s.owner.parts.inForce(f)
	}
	o.operations.known.Range(func(_, known any) bool {
		op := known.(*operation)
		if made := op.made.Load(); made != nil {
			for _, v := range *made {
				each(v.pipeline)
			}
		}
		op.owner.parts.inForce(f)
		return true
	})
	for _, p := range o.pipelines {
		if totalsOf(p.counters).TotalOperations > 0 { // each policy has one, which few run
			each(p)
		}
		p.owner.parts.inForce(f)
	}
}

// inForce leaves out what is a partition's own.
func (s *service) inForce(f func(*step)) {
	for _, b := range s.bound {
		b.pipeline.inForce(f)
	}
	if chosen := s.chosen.Load(); chosen != nil {
		for _, p := range *chosen {
			p.inForce(f)
		}
	}
}

func (p *Pipeline) inForce(f func(*step)) {
	if prog := p.prog.Load(); prog != nil {
		prog.each(f)
	}
}

// each calls f for every layer, those within a hedge included.
func (p *program) each(f func(*step)) {
	for i := range p.steps {
		f(&p.steps[i])
		if p.steps[i].kind == hedgeLayer {
			p.steps[i].hedge().within.each(f)
		}
	}
}

func byName[T resource](all map[T]bool) []T {
	return slices.SortedFunc(maps.Keys(all), func(a, b T) int { return cmp.Compare(a.Name(), b.Name()) })
}

// ServiceInfo is what an [Orchestrator] knows of a tagged service that is wrapped.
type ServiceInfo struct {
	// Name is what errors, logs, metrics and the profile's services call it, and
	// no other: "payments.Gateway", "http.Client[stripe]" for one that is
	// provided under a name, "jobs.Handler[handlers#2]" for the second that was
	// made of a group.
	Name string
	// Type is its type with the import path: "example.com/shop/payments.Gateway".
	Type string
	// Constructor is the function that was tagged, and At where it stands:
	// "stripe.NewGateway", "/src/stripe/gateway.go:12".
	Constructor, At string
	// Policy is the one in force for methods for which no other is chosen.
	Policy string
	// Critical says whether the application is of no use without the service; see
	// [Orchestrator.Health].
	Critical bool
	// Methods are those that its proxy knows of, sorted by name.
	Methods []MethodInfo
}

// MethodInfo is how one method of a service is guarded.
type MethodInfo struct {
	// Name is the method's; empty for a service that is a function.
	Name string
	// Operation is what errors, logs and metrics call it.
	Operation string
	// Policy is the one in force: "none" for none.
	Policy string
	// Guard says how the method is guarded.
	Guard Guard
}

// Guard says how a proxy guards a method.
type Guard string

// The ways to guard a method, as [Methods] hands out pipelines for them.
const (
	// Guarded: see [Methods.Method].
	Guarded Guard = "guarded"
	// GuardedOnce: see [Methods.Once].
	GuardedOnce Guard = "once"
	// GuardedByChoice: see [Methods.Optional].
	GuardedByChoice Guard = "optional"
	// GuardedWithoutContext: see [Methods.WithoutContext].
	GuardedWithoutContext Guard = "without_context"
	// GuardedSafe: see [Methods.Safe].
	GuardedSafe Guard = "safe"
	// GuardedHedging: safe to repeat, also twice at once.
	GuardedHedging Guard = "hedging"
	// GuardedSingle: see [Methods.Single].
	GuardedSingle Guard = "single"
	// GuardedRewinding: see [Methods.Rewinds].
	GuardedRewinding Guard = "rewinds"
	// Unguarded: see [Methods.Unguarded].
	Unguarded Guard = "unguarded"
)

var guards = [...]Guard{
	guarded: Guarded, once: GuardedOnce, optional: GuardedByChoice, withoutContext: GuardedWithoutContext,
	safe: GuardedSafe, hedges: GuardedHedging, single: GuardedSingle, rewinds: GuardedRewinding,
}

// Services lists the tagged services that are wrapped so far, sorted by name. Fx
// runs constructors only when something needs them.
func (o *Orchestrator) Services() []ServiceInfo {
	o.mu.RLock()
	defer o.mu.RUnlock()
	tx := &transaction{o: o, catalog: o.catalog}
	infos := make([]ServiceInfo, 0, len(o.services.all))
	for _, s := range o.services.all {
		info := ServiceInfo{Name: s.id, Type: s.unit.full, Constructor: s.constructor.Name(), At: s.constructor.At(), Policy: tx.policyOf(s, "")}
		_, chosen := tx.chosen(s)
		info.Critical = chosen.Critical
		for _, b := range s.bound {
			info.Methods = append(info.Methods, MethodInfo{b.method, b.operation, tx.policyOfBinding(s, b), guards[b.guard]})
		}
		if chosen := s.chosen.Load(); chosen != nil {
			for name := range *chosen {
				info.Methods = append(info.Methods, MethodInfo{name, s.operation(name), tx.policyOf(s, name), guards[s.typ.names.guard(name)]})
			}
		}
		for _, name := range s.unguardable {
			info.Methods = append(info.Methods, MethodInfo{name, s.operation(name), nonePolicy, Unguarded})
		}
		slices.SortStableFunc(info.Methods, func(a, b MethodInfo) int { return cmp.Compare(a.Name, b.Name) })
		// A proxy may ask twice for a method, to tell whether a policy is chosen for it.
		info.Methods = slices.CompactFunc(info.Methods, func(a, b MethodInfo) bool { return a.Name == b.Name })
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b ServiceInfo) int { return cmp.Compare(a.Name, b.Name) })
	return infos
}
