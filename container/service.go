package container

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/cladgo/clad/policy"
)

// service is one tagged result that is wrapped: it knows which policy each
// method gets, and owns their unnamed breakers and limiters.
type service struct {
	o      *Orchestrator
	typ    serviceType
	tagged string            // the policy of the tag
	inCode map[string]string // choices of the tag per method
	owner  *owner
	bound  []*binding
	// unguardable are the methods with a policy that can't be guarded.
	unguardable []string
	chosen      atomic.Pointer[map[string]*Pipeline] // by the names of calls; nil where none is chosen
}

// serviceType describes what is wrapped, as far as it is known without running
// its constructor.
type serviceType struct {
	id      string // short: "payments.Gateway", as in operation ids
	full    string // "example.com/shop/payments.Gateway"
	methods []string
	names   func(string) error // checks the name of a call; nil where calls have none
}

// binding is the pipeline of one method.
type binding struct {
	method    string
	operation string
	guard     guard
	pipeline  *Pipeline
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
)

func typeOfService(t reflect.Type, methods []string, constructor string) serviceType {
	names := callNamesOf(t)
	if t.Kind() == reflect.Pointer {
		t = t.Elem() // *http.Client goes by the name of http.Client
	}
	st := serviceType{id: t.String(), full: t.String(), methods: methods, names: names}
	switch {
	case t.PkgPath() != "":
		st.full = t.PkgPath() + "." + t.Name()
	case t.Kind() == reflect.Func:
		st.id, st.full = constructor, constructor // func(context.Context) error says nothing
	}
	return st
}

// newService makes a service known, if all that is chosen for it is there.
func (o *Orchestrator) newService(t serviceType, tagged string, inCode map[string]string) (*service, error) {
	s := &service{o: o, typ: t, tagged: tagged, inCode: inCode, owner: newOwner(t.id)}
	err := o.edit(func(e *edit) error {
		if other, ok := o.services[t.id]; ok && other != t.full {
			if _, ok := e.catalog.Services[t.id]; ok {
				return fmt.Errorf("the profile's services: %q means both %s and %s; write the full import path", t.id, other, t.full)
			}
		}
		if err := e.checkChoices(s); err != nil {
			return err
		}
		if err := e.bindNames(s); err != nil {
			return err
		}
		o.services[t.id] = t.full
		o.wrapped = append(o.wrapped, s)
		e.say(func() {
			o.log.Debug("policy applied", "service", t.id, "policy", e.policyOf(s, ""), "methods", e.methodsOf(s))
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// chosen returns what the profile chooses for a service: under its full type, or
// its short one.
func (e *edit) chosen(s *service) (key string, c policy.Service) {
	if c, ok := e.catalog.Services[s.typ.full]; ok {
		return s.typ.full, c
	}
	return s.typ.id, e.catalog.Services[s.typ.id]
}

// methodsOf merges the choices per method: the profile's beat the code's. The map
// may be the service's own.
func (e *edit) methodsOf(s *service) map[string]string {
	_, c := e.chosen(s)
	if len(c.Methods) == 0 {
		return s.inCode
	}
	methods := maps.Clone(s.inCode)
	maps.Copy(methods, c.Methods)
	return methods
}

// policyOf returns the name of a method's policy: what is chosen for the method,
// else what the profile chooses for the service, else what the tag says.
func (e *edit) policyOf(s *service, method string) string {
	_, c := e.chosen(s)
	if name, ok := c.Methods[method]; ok {
		return name
	}
	if name, ok := s.inCode[method]; ok {
		return name
	}
	if c.Policy != "" {
		return c.Policy
	}
	return s.tagged
}

// checkChoices checks that there is everything that is chosen for a service: the
// methods and the policies.
func (e *edit) checkChoices(s *service) error {
	key, c := e.chosen(s)
	var errs []error
	for _, method := range slices.Sorted(maps.Keys(c.Methods)) {
		if err := s.typ.checkName(method); err != nil {
			errs = append(errs, fmt.Errorf("the profile's services: %q: %w", key, err))
		}
	}
	names := []string{e.policyOf(s, "")}
	for _, name := range e.methodsOf(s) {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, err := e.choose(name); err != nil {
			errs = append(errs, fmt.Errorf("service %s: %w", s.typ.id, err))
		}
	}
	return errors.Join(errs...)
}

// pipeline makes the pipeline of a method, for its proxy.
func (s *service) pipeline(method string, g guard) *Pipeline {
	operation := s.operation(method)
	b := &binding{method, operation, g, &Pipeline{counters: s.o.counters.Of(operation)}}
	err := s.o.edit(func(e *edit) error {
		s.bound = append(s.bound, b)
		return e.bindMethod(s, b)
	})
	if err != nil {
		// Everything was checked when the service was made known.
		panic(fmt.Sprintf("container: %s: %v", operation, err))
	}
	return b.pipeline
}

func (s *service) operation(method string) string {
	if method == "" || method[0] == '/' { // an address is not a method's name
		return s.typ.id + method
	}
	return s.typ.id + "." + method
}

// bind compiles the pipelines of a service under the catalog as it will be.
func (e *edit) bind(s *service) error {
	if err := e.checkChoices(s); err != nil {
		return err
	}
	var errs []error
	for _, b := range s.bound {
		errs = append(errs, e.bindMethod(s, b))
	}
	errs = append(errs, e.bindNames(s))
	return errors.Join(errs...)
}

func (e *edit) bindMethod(s *service, b *binding) error {
	_, c := e.chosen(s)
	_, byProfile := c.Methods[b.method] // which beats what the code says
	_, inCode := s.inCode[b.method]
	name := e.policyOf(s, b.method)
	if b.guard == optional && !byProfile && !inCode {
		name = nonePolicy
	}
	p, err := e.choose(name)
	if err != nil {
		return fmt.Errorf("%s: %w", b.operation, err)
	}
	prog, err := e.compile(p, name, b.operation, s.owner)
	if err != nil {
		return err
	}
	if prog != nil {
		prog.once = b.guard == once && !byProfile || b.guard == single
		prog.dependency = s.typ.full
		if b.guard == withoutContext && prog.contexts > 0 {
			e.say(func() {
				e.o.log.Info("no timeout can be enforced: the method takes no context", "operation", b.operation, "policy", name)
			})
		}
	}
	e.on(func() { b.pipeline.prog.Store(prog) })
	return nil
}

// unguarded notes of a method with a policy that it can't be guarded.
func (s *service) unguarded(method, reason string) {
	_ = s.o.edit(func(e *edit) error {
		if name := e.policyOf(s, method); name != nonePolicy {
			s.unguardable = append(s.unguardable, method)
			e.say(func() {
				e.o.log.Debug("method is not guarded", "operation", s.operation(method), "policy", name, "reason", reason)
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
		used := slices.ContainsFunc(o.wrapped, func(s *service) bool { return id == s.typ.id || id == s.typ.full })
		if !used {
			unused = append(unused, id)
		}
	}
	return unused
}
