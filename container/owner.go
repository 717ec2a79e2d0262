package container

import (
	"context"
	"slices"
	"unique"

	"github.com/cladgo/clad/internal/budget"
	"github.com/cladgo/clad/internal/latency"
	"github.com/cladgo/clad/policy"
)

// owner owns unnamed breakers, limiters and bulkheads: a tagged service, an operation, or a
// policy of the catalog that is run by its name. The lock of the registry
// guards it.
type owner struct {
	name  string
	main  policy.Policy // of a service: that of its methods for which no other is chosen
	has   *holdings     // nil until it owns something
	parts *partitions   // nil for none
	whole *owner        // of a partition
}

// holdings are what an owner has. Many have nothing: what their policies name belongs
// to all.
type holdings struct {
	breakers []*owned[policy.CircuitBreaker, *CircuitBreaker]
	limiters []*owned[policy.RateLimit, *RateLimiter]
	*others  // nil until there is one
}

// others are what fewer owners have.
type others struct {
	bulkheads []*owned[policy.Bulkhead, *Bulkhead]
	adaptive  []*owned[policy.AdaptiveLimit, *Bulkhead]
	budget    *budget.Budget               // of retries; nil where none is bounded
	hedges    *budget.Budget               // likewise
	latencies map[string]*latency.Recorder // of operations that are hedged
}

// newOwner returns one whose calls may be of partitions: of those that the context says
// by key, if there is one.
func (o *Orchestrator) newOwner(name string, key func(context.Context) string) *owner {
	w := &owner{name: name}
	w.parts = newPartitions(o, w, key)
	return w
}

// own returns the holdings, to be added to.
func (w *owner) own() *holdings {
	if w.has == nil {
		w.has = new(holdings)
	}
	return w.has
}

// ownOthers is own for what fewer owners have.
func (w *owner) ownOthers() *others {
	own := w.own()
	if own.others == nil {
		own.others = new(others)
	}
	return own.others
}

// owns returns the holdings, to be looked at.
func (w *owner) owns() holdings {
	var has holdings
	if w.has != nil {
		has = *w.has
	}
	if has.others == nil {
		has.others = new(others)
	}
	return has
}

// retryBudget returns what counts the retries of an owner: it has no settings, so a
// reload leaves it as it is.
func (w *owner) retryBudget() *budget.Budget {
	own := w.ownOthers()
	if own.budget == nil {
		own.budget = new(budget.Budget)
	}
	return own.budget
}

// hedging returns what hedges of an operation go by, which a reload leaves as it is.
func (w *owner) hedging(operation string) (*budget.Budget, *latency.Recorder) {
	own := w.ownOthers()
	if own.hedges == nil {
		own.hedges, own.latencies = new(budget.Budget), make(map[string]*latency.Recorder)
	}
	if own.latencies[operation] == nil {
		own.latencies[operation] = new(latency.Recorder)
	}
	return own.hedges, own.latencies[operation]
}

// quiet reports whether nothing is lost if the owner is forgotten, with its partitions:
// their breakers are closed, and none is in use.
func (w *owner) quiet() bool {
	for _, b := range w.owns().breakers {
		if b.resource.Status().State != policy.StateClosed {
			return false
		}
	}
	quiet := !w.inUse()
	w.parts.each(func(part *partition) { quiet = quiet && part.owner.quiet() })
	return quiet
}

// inUse reports whether permits of an owner's bulkheads are out, which the next call
// would not know of, or its breakers and limiters are somebody's decision.
func (w *owner) inUse() bool {
	own := w.owns()
	for _, b := range own.breakers {
		if b.resource.Status().Mode != ModeAutomatic {
			return true
		}
	}
	for _, l := range own.limiters {
		if l.resource.override.Load() != nil {
			return true
		}
	}
	for _, b := range own.bulkheads {
		if b.resource.inUse() {
			return true
		}
	}
	for _, b := range own.adaptive {
		if b.resource.inUse() {
			return true
		}
	}
	return false
}

// owned is a resource with what it was made for. The methods of a service share it,
// also under different policies, where these put equal settings in the same
// place: it is one dependency that they guard.
type owned[S comparable, T any] struct {
	n        int // the place: the n-th layer of its kind, from the outside
	spec     unique.Handle[S]
	resource T
	users    []string // the policies of the catalog that it is for, which are few
}

// maxVariants is how many different policies, and resources in them, are remembered
// of one operation. An operation has a handful (one per method of payment,
// say); one that invents a new policy at each call must not fill the memory.
const maxVariants = 64

// resourceOf returns the resource of an owner for the n-th place of a policy; "" stands for a policy
// of no catalog. A policy of the catalog whose settings have changed takes its
// resource along, unless another that did not change holds on to it.
func resourceOf[S comparable, T resource](tx *transaction, w *owner, r registry[S, T], theirs *[]*owned[S, T], policyName string, n int, spec S, configure func(T, S), make func() T) T {
	wanted := unique.Make(spec)
	for _, known := range *theirs {
		if known.n == n && settingsOf(tx, known) == wanted {
			known.use(tx, policyName)
			return known.resource
		}
	}
	for _, known := range *theirs {
		_, changed := tx.changed[known]
		if policyName != "" && known.n == n && slices.Contains(known.users, policyName) && !changed && !tx.held[known] {
			tx.reconfigure(known, wanted)
			tx.onCommit(func() {
				known.spec = wanted
				configure(known.resource, spec)
			})
			return known.resource
		}
	}
	before := *theirs
	if policyName == "" && len(before) >= maxVariants {
		oldest := before[0].resource
		tx.onCommit(func() { r.drop(oldest) })
		*theirs = slices.Clone(before[1:])
	}
	made := &owned[S, T]{n: n, spec: wanted, resource: make()}
	made.resource.belong(w)
	if policyName != "" {
		made.users = []string{policyName}
	}
	*theirs = append(*theirs, made)
	r.unnamed[made.resource.Name()] = made.resource // the name was free
	tx.onRollback(func() {
		*theirs = before
		r.drop(made.resource)
	})
	return made.resource
}

// nameFor returns what an unnamed resource goes by, the n-th of its kind in the
// policy named: the owner's name, unless the owner's main policy has another
// there. kind picks what a layer describes, if it is of that kind.
func nameFor[S comparable](w *owner, policyName string, n int, spec S, kind func(policy.Policy) (_ S, unnamed, ok bool)) string {
	main := w.main
	if w.whole != nil {
		main = w.whole.main
	}
	if policyName == "" || main == nil {
		return w.name
	}
	at, another := 0, false
	for _, layer := range policy.Layers(main) {
		its, unnamed, ok := kind(layer)
		if !ok {
			continue
		}
		if at == n && its == spec {
			return w.name
		}
		at++
		another = another || unnamed
	}
	if !another {
		return w.name
	}
	return w.name + "/" + policyName
}

func breakerLayerOf(p policy.Policy) (_ policy.CircuitBreaker, unnamed, ok bool) {
	b, ok := p.(policy.CircuitBreaker)
	return b, ok && b.Name == "", ok
}

func limiterLayerOf(p policy.Policy) (_ policy.RateLimit, unnamed, ok bool) {
	l, ok := p.(policy.RateLimit)
	return l, ok && l.Name == "", ok
}

func bulkheadLayerOf(p policy.Policy) (_ policy.Bulkhead, unnamed, ok bool) {
	b, ok := p.(policy.Bulkhead)
	return b, ok && b.Name == "", ok
}

func adaptiveLimitOf(p policy.Policy) (_ policy.AdaptiveLimit, unnamed, ok bool) {
	l, ok := p.(policy.AdaptiveLimit)
	return l, ok, ok
}

func (o *owned[S, T]) use(tx *transaction, policyName string) {
	if policyName != "" {
		tx.onCommit(func() {
			if !slices.Contains(o.users, policyName) {
				o.users = append(o.users, policyName)
			}
		})
	}
}

// drop forgets the resources of the owner and its partitions. It is for commits.
func (w *owner) drop(o *Orchestrator) {
	w.parts.each(func(part *partition) { part.owner.drop(o) })
	for _, b := range w.owns().breakers {
		o.breakers.drop(b.resource)
	}
	for _, l := range w.owns().limiters {
		o.limiters.drop(l.resource)
	}
	for _, b := range w.owns().bulkheads {
		o.bulkheads.drop(b.resource)
	}
	for _, b := range w.owns().adaptive {
		o.adaptive.drop(b.resource)
	}
}

// settingsOf returns the settings that a resource has, or will have when the transaction
// is made.
func settingsOf[S comparable, T any](tx *transaction, o *owned[S, T]) unique.Handle[S] {
	if spec, ok := tx.changed[o]; ok {
		return spec.(unique.Handle[S])
	}
	return o.spec
}

// hold notes what a policy finds as it wants it, so that no other whose
// settings have changed takes it along.
func (w *owner) hold(tx *transaction, p policy.Policy) {
	w.parts.each(func(part *partition) { part.owner.hold(tx, p) })
	breakers, limiters, bulkheads, adaptive := 0, 0, 0, 0
	for _, layer := range policy.Layers(p) {
		switch layer := layer.(type) {
		case policy.CircuitBreaker:
			hold(tx, w.owns().breakers, breakers, layer)
			breakers++
		case policy.RateLimit:
			hold(tx, w.owns().limiters, limiters, layer)
			limiters++
		case policy.Bulkhead:
			hold(tx, w.owns().bulkheads, bulkheads, layer)
			bulkheads++
		case policy.AdaptiveLimit:
			hold(tx, w.owns().adaptive, adaptive, layer)
			adaptive++
		}
	}
}

func hold[S comparable, T any](tx *transaction, theirs []*owned[S, T], n int, spec S) {
	for _, known := range theirs {
		if known.n == n && known.spec.Value() == spec {
			tx.hold(known)
		}
	}
}
