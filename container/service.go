package container

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// service is one tagged result on its way to being wrapped: it knows which
// policy each method gets, and owns their unnamed breakers and limiters.
type service struct {
	orchestrator *Orchestrator
	id           string            // "payments.Gateway", in operation ids
	policy       string            // of methods for which nothing else is chosen
	methods      map[string]string // choices per method
	owner        *owner
}

// guard says how a proxy guards a method.
type guard int

const (
	guarded guard = iota
	once
	optional
	withoutContext
)

// serviceType describes what is wrapped, as far as it is known without running
// its constructor.
type serviceType struct {
	id      string // short: "payments.Gateway"
	full    string // "example.com/shop/payments.Gateway"
	methods []string
}

func typeOfService(t reflect.Type, fallback string) serviceType {
	st := serviceType{id: t.String(), full: t.String(), methods: guardableNames(t)}
	if t.Name() == "" && t.Kind() == reflect.Func {
		st.id, st.full = fallback, fallback // func(context.Context) error says nothing
	}
	if t.PkgPath() != "" {
		st.full = t.PkgPath() + "." + t.Name()
	}
	return st
}

// newService settles which policy each method of a service gets: for a method
// the profile's choice, the code's, the profile's for the service, the tag's.
func (o *Orchestrator) newService(t serviceType, tagged string, inCode map[string]string) (*service, error) {
	s := &service{
		orchestrator: o,
		id:           t.id,
		policy:       tagged,
		methods:      maps.Clone(inCode),
		owner:        newOwner(o, t.id),
	}
	if s.methods == nil {
		s.methods = make(map[string]string)
	}
	chosen, key, err := o.choices(t)
	if err != nil {
		return nil, err
	}
	if chosen.Policy != "" {
		s.policy = chosen.Policy
	}
	var errs []error
	for _, method := range slices.Sorted(maps.Keys(chosen.Methods)) {
		if !slices.Contains(t.methods, method) {
			errs = append(errs, fmt.Errorf("the profile's services: %q: there is no method %s%s; there are: %s",
				key, method, suggest.DidYouMean(method, t.methods), listed(t.methods)))
		}
		s.methods[method] = chosen.Methods[method]
	}
	_, err = o.choice(s.policy)
	errs = append(errs, err)
	for _, method := range slices.Sorted(maps.Keys(s.methods)) {
		_, err := o.choice(s.methods[method])
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	o.log.Debug("policy applied", "service", s.id, "policy", s.policy, "methods", s.methods)
	return s, nil
}

// choices finds what the profile chooses for a service: under its full type, or
// its short one where no other service shares that.
func (o *Orchestrator) choices(t serviceType) (chosen policy.Service, key string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	other, seen := o.services[t.id]
	o.services[t.id] = t.full
	if chosen, ok := o.catalog.Services[t.full]; ok {
		return chosen, t.full, nil
	}
	chosen, ok := o.catalog.Services[t.id]
	if ok && seen && other != t.full {
		return chosen, t.id, fmt.Errorf("the profile's services: %q means both %s and %s; write the full import path", t.id, other, t.full)
	}
	return chosen, t.id, nil
}

func (s *service) choose(method string) string {
	if name, ok := s.methods[method]; ok {
		return name
	}
	return s.policy
}

// choice returns the policy of a name.
func (o *Orchestrator) choice(name string) (policy.Policy, error) {
	if name == nonePolicy {
		return policy.None{}, nil
	}
	if p, ok := o.catalog.Policies[name]; ok {
		return p, nil
	}
	return nil, o.unknownPolicy(name)
}

// pipeline makes the pipeline of a method. That its policy is sound was seen
// when the orchestrator and the service were made.
func (s *service) pipeline(method string, g guard) *Pipeline {
	name := s.choose(method)
	if _, chosen := s.methods[method]; g == optional && !chosen {
		name = nonePolicy
	}
	operation := s.id
	if method != "" {
		operation += "." + method
	}
	o := s.orchestrator
	p := &Pipeline{counters: o.countersOf(operation)}
	chosen, err := o.choice(name)
	if err != nil {
		panic(fmt.Sprintf("container: %s: the proxy asks for a method that its interface does not have: %v", operation, err))
	}
	prog, err := o.compile(chosen, operation, s.owner.under(name))
	if err != nil {
		panic(fmt.Sprintf("container: %s: %v", operation, err))
	}
	if prog != nil {
		prog.once = g == once
		if g == withoutContext && prog.contexts > 0 {
			o.log.Info("no timeout can be enforced: the method takes no context", "operation", operation, "policy", name)
		}
	}
	p.prog.Store(prog)
	return p
}

func (s *service) unguarded(method, reason string) {
	if name := s.choose(method); name != nonePolicy {
		s.orchestrator.log.Info("method is not guarded", "operation", s.id+"."+method, "policy", name, "reason", reason)
	}
}

// UnusedServices lists the services for which the profile chooses policies and
// which no tagged constructor has provided so far. Fx runs constructors only
// when something needs them, so it says something once the application is up.
func (o *Orchestrator) UnusedServices() []string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	var unused []string
	for _, id := range slices.Sorted(maps.Keys(o.catalog.Services)) {
		used := false
		for short, full := range o.services {
			used = used || id == short || id == full
		}
		if !used {
			unused = append(unused, id)
		}
	}
	return unused
}
