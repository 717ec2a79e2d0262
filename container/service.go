package container

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/policy"
)

// service is one tagged result that is wrapped: it knows which policy each
// method gets, and owns their unnamed breakers, limiters and bulkheads.
type service struct {
	identity
	tagged

	o         *Orchestrator
	owner     *owner
	bound     []*binding
	rehearsed bool // the candidate's of a dry run, which makes no attempts
	// unguardable are the methods that can't be guarded; unguarding is how many of
	// them have a policy all the same.
	unguardable []string
	unguarding  int
	twin        *service                             // the candidate's of a dry run
	chosen      atomic.Pointer[map[string]*Pipeline] // by the names of calls; nil where none is chosen
}

// tagged is what a tag says of a service.
type tagged struct {
	typ         *serviceType
	policy      string            // the policy of the tag
	inCode      map[string]string // its choices per method
	errors      *policy.Errors    // what the dependency's errors mean
	constructor *constructor.Constructor
	fallback    *serviceFallback             // nil for none
	partition   func(context.Context) string // nil for none
}

// serviceType describes what is wrapped, as far as it is known without running
// its constructor.
type serviceType struct {
	id      string // short: "payments.Gateway", as in operation ids
	full    string // "example.com/shop/payments.Gateway"
	methods []string
	names   names // of calls
}

// binding is the pipeline of one method.
type binding struct {
	method    string
	operation string
	guard     guard
	pipeline  *Pipeline
	fallback  *fallbackRule // nil for none
	shadow    *Pipeline     // the candidate's of a dry run
}

// guard says how a proxy guards a method.
type guard int

const (
	guarded guard = iota
	once
	optional
	withoutContext
	single
	rewinds
	safe
	hedges
)

func typeOfService(t reflect.Type, methods []string, constructed *constructor.Constructor) serviceType {
	names := callNamesOf(t)
	if t.Kind() == reflect.Pointer {
		t = t.Elem() // *http.Client goes by the name of http.Client
	}
	st := serviceType{id: t.String(), full: t.String(), methods: methods, names: names}
	switch {
	case t.PkgPath() != "":
		st.full = t.PkgPath() + "." + t.Name()
	case t.Kind() == reflect.Func:
		st.id = constructed.Name()
		st.full = st.id // func(context.Context) error says nothing
	}
	return st
}

// newService makes a service known, if all that is chosen for it is there.
func (o *Orchestrator) newService(t tagged, name, group string) (*service, error) {
	s := &service{tagged: t, o: o}
	err := o.transact(func(tx *transaction) (err error) {
		s.identity = o.services.identify(unit{t.typ.id, t.typ.full, name, group})
		s.owner = o.newOwner(s.id, t.partition)
		if s.twin, err = o.shadow.mirror(s); err != nil {
			return err
		}
		if err := errors.Join(tx.checkMeaning(s), tx.checkChoices(s)); err != nil {
			return err
		}
		s.owner.main, _ = tx.choose(tx.policyOf(s, ""))
		if err := tx.bindNames(s); err != nil {
			return err
		}
		tx.onCommit(func() { o.services.add(s) })
		if o.log.Enabled(context.Background(), slog.LevelDebug) {
			tx.afterwards(func() {
				o.log.Debug("policy applied", "service", s.id, "policy", tx.policyOf(s, ""), "methods", tx.methodsOf(s))
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// settle notes which policy is a service's main one.
func (tx *transaction) settle(s *service) {
	before := s.owner.main
	tx.onRollback(func() { s.owner.main = before })
	s.owner.main, _ = tx.choose(tx.policyOf(s, ""))
}

// chosen returns what the profile chooses for a service, and under which key.
func (tx *transaction) chosen(s *service) (key string, c policy.Service) {
	key, _ = tx.key(s)
	return key, tx.catalog.Services[key]
}

// methodsOf merges the choices per method: the profile's beat the code's. The map
// may be the service's own.
func (tx *transaction) methodsOf(s *service) map[string]string {
	_, c := tx.chosen(s)
	if len(c.Methods) == 0 {
		return s.inCode
	}
	methods := maps.Clone(c.Methods)
	for method, name := range s.inCode {
		if _, beaten := methods[method]; !beaten {
			methods[method] = name
		}
	}
	return methods
}

// policyOf returns the name of a method's policy: what is chosen for the method,
// else what the profile chooses for the service, else what the tag says.
func (tx *transaction) policyOf(s *service, method string) string {
	_, c := tx.chosen(s)
	if name, ok := c.Methods[method]; ok {
		return name
	}
	if name, ok := s.inCode[method]; ok {
		return name
	}
	if c.Policy != "" {
		return c.Policy
	}
	return s.policy
}

// checkChoices checks that there is everything that is chosen for a service: the
// methods and the policies.
func (tx *transaction) checkChoices(s *service) error {
	key, c := tx.chosen(s)
	if len(c.Methods) == 0 && len(s.inCode) == 0 { // as of most
		if _, err := tx.choose(tx.policyOf(s, "")); err != nil {
			return fmt.Errorf("service %s: %w", s.id, err)
		}
		return nil
	}
	var errs []error
	for _, method := range slices.Sorted(maps.Keys(c.Methods)) {
		if err := s.typ.checkName(method); err != nil {
			errs = append(errs, fmt.Errorf("the profile's services: %q: %w", key, err))
		}
	}
	names := []string{tx.policyOf(s, "")}
	for _, name := range tx.methodsOf(s) {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, err := tx.choose(name); err != nil {
			errs = append(errs, fmt.Errorf("service %s: %w", s.id, err))
		}
	}
	return errors.Join(errs...)
}

// pipeline makes the pipeline of a method, for its proxy.
func (s *service) pipeline(method string, g guard) *Pipeline {
	operation := s.operation(method)
	b := &binding{method: method, operation: operation, guard: g, pipeline: &Pipeline{counters: s.o.counters.Of(operation)}}
	err := s.o.transact(func(tx *transaction) error {
		b.shadow = s.twin.shadowed(method, g)
		s.bound = append(s.bound, b)
		return tx.bindMethod(s, b)
	})
	if err != nil {
		// Everything was checked when the service was made known.
		panic(fmt.Sprintf("container: %s: %v", operation, err))
	}
	return b.pipeline
}

func (s *service) operation(method string) string {
	if method == "" || method[0] == '/' { // an address is not a method's name
		return s.id + method
	}
	return s.id + "." + method
}

// bindService compiles the pipelines of a service under the catalog as it will be.
func (tx *transaction) bindService(s *service) error {
	if err := tx.checkChoices(s); err != nil {
		return err
	}
	tx.settle(s)
	var errs []error
	for _, b := range s.bound {
		errs = append(errs, tx.bindMethod(s, b))
	}
	errs = append(errs, tx.bindNames(s))
	return errors.Join(errs...)
}

func (tx *transaction) bindMethod(s *service, b *binding) error {
	return tx.bind(s.owner, b.pipeline, func(tx *transaction, w *owner, of *Pipeline) (*program, error) {
		return tx.program(s, b, w, of)
	})
}

// program compiles the policy of a method, with the state of an owner, for a pipeline.
func (tx *transaction) program(s *service, b *binding, w *owner, of *Pipeline) (*program, error) {
	_, c := tx.chosen(s)
	_, byProfile := c.Methods[b.method] // which beats what the code says
	name := tx.policyOfBinding(s, b)
	p, err := tx.choose(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.operation, err)
	}
	fallback := b.fallback
	if b.guard == optional && name == nonePolicy {
		fallback = nil // it passes through
	}
	compile := func(hedged bool) (*program, error) {
		prog, err := tx.compileFor(s.withErrors(p, fallback), name, b.operation, w, hedged)
		if err != nil {
			return nil, err
		}
		if prog == nil && fallback != nil {
			prog = tx.equip(&program{operation: b.operation})
		}
		if prog != nil {
			prog.once = b.guard == once && !byProfile || b.guard == single
			prog.dependency = s.typ.full
			prog.fallback = fallback
			of.keepAnswers(prog)
		}
		return tx.beside(prog, b.operation, b.shadow), nil
	}
	hedged := b.guard == hedges && !s.rehearsed // or what stands within is not asked
	prog, err := compile(hedged)
	if err != nil {
		return nil, err
	}
	if hasLayer[policy.Hedge](p) {
		if hedged {
			if prog.alone, err = compile(false); err != nil {
				return nil, err
			}
		} else if b.guard != hedges && !s.hedges(b.method) {
			tx.afterwards(func() {
				tx.o.log.Info("a method is not hedged: only those are that are marked //clad:safe, take a context and values alone, and return nothing that is in use after the call; of net/http, GET, HEAD, OPTIONS and TRACE; and of gRPC, unary calls without side effects",
					"operation", b.operation, "policy", name)
			})
		}
	}
	if b.guard == withoutContext && prog != nil && prog.contexts > 0 {
		tx.afterwards(func() {
			tx.o.log.Info("no timeout can be enforced: the method takes no context", "operation", b.operation, "policy", name)
		})
	}
	return prog, nil
}

// hedges reports whether a method is hedged where its policy says so.
func (s *service) hedges(method string) bool {
	return slices.ContainsFunc(s.bound, func(b *binding) bool { return b.method == method && b.guard == hedges })
}

// withErrors puts what the tag says of errors innermost.
func (s *service) withErrors(p policy.Policy, f *fallbackRule) policy.Policy {
	if s.errors.IsZero() || len(policy.Layers(p)) == 0 && f == nil {
		return p
	}
	return policy.Combine(p, *s.errors)
}

// policyOfBinding returns the name of the policy that a method comes to have.
func (tx *transaction) policyOfBinding(s *service, b *binding) string {
	if b.guard == optional {
		if _, chosen := tx.methodsOf(s)[b.method]; !chosen {
			return nonePolicy
		}
	}
	return tx.policyOf(s, b.method)
}

// unguarded notes of a method that it can't be guarded.
func (s *service) unguarded(method, reason string) {
	_ = s.o.transact(func(tx *transaction) error {
		s.unguardable = append(s.unguardable, method)
		if name := tx.policyOf(s, method); name != nonePolicy {
			s.unguarding++
			tx.afterwards(func() {
				tx.o.log.Debug("method is not guarded", "operation", s.operation(method), "policy", name, "reason", reason)
			})
		}
		return nil
	})
}

// UnusedServices lists the services for which the profile chooses policies and
// which no tagged constructor has provided so far. Fx runs constructors only
// when something needs them, so it says something once the application is up.
func (o *Orchestrator) UnusedServices() []string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var unused []string
	for _, id := range slices.Sorted(maps.Keys(o.catalog.Services)) {
		used := slices.ContainsFunc(o.services.all, func(s *service) bool { return slices.Contains(s.keys(), id) })
		if !used {
			unused = append(unused, id)
		}
	}
	return unused
}
