package explain

import (
	"maps"
	"path"
	"slices"

	"github.com/cladgo/clad/internal/usage"
)

// Service is one service: as the profile has it, as the code tags it, or both.
type Service struct {
	Name   string `json:"service"`
	Full   string `json:"full,omitempty"`  // with its import path, where the code was looked at
	Origin Origin `json:"origin"`          // in the profile; zero if it is not in there
	Tagged Origin `json:"tagged,omitzero"` // in the code; zero if that was not looked at
	// Methods are those with a choice of their own, and without a name all the
	// others; where the code was looked at, every method by its name.
	Methods []Method `json:"methods"`
}

// Method says which policy a method gets.
type Method struct {
	Name string `json:"method"` // "" stands for all that are not listed
	// Policy is "none" for none, and "" where the tag decides and the code was
	// not looked at.
	Policy string `json:"policy"`
	Origin Origin `json:"origin"` // of the choice
	// Retried says whether the method may be attempted again.
	Retried  bool   `json:"retried"`
	Attempts int    `json:"attempts"`
	Worst    *Bound `json:"worst_case,omitempty"` // nil where the policy is not known
	Note     string `json:"note,omitempty"`       // why it is not guarded in full
}

func (s Service) operation(method string) string {
	if method == "" {
		return s.Name
	}
	return s.Name + "." + method
}

// Tagged is a service as the code has it.
type Tagged = usage.Service

// services lists those of the profile, and those of the code.
func (e *explainer) services(r *Report) []Service {
	found := []Service{}
	taken := map[string]bool{}
	for _, t := range e.options.Tagged {
		key, ok := e.chosenFor(t)
		if ok {
			taken[key] = true
		}
		found = append(found, e.taggedService(r, t, key))
	}
	for _, name := range slices.Sorted(maps.Keys(e.catalog.Services)) {
		if !taken[name] {
			found = append(found, e.profileService(r, name))
		}
	}
	return found
}

// chosenFor returns the key under which the profile makes choices for a service.
func (e *explainer) chosenFor(t Tagged) (key string, ok bool) {
	for _, key := range []string{t.Full, t.Type} {
		if _, ok := e.catalog.Services[key]; ok {
			return key, true
		}
	}
	return "", false
}

// profileService knows no more than the profile does.
func (e *explainer) profileService(r *Report, name string) Service {
	origin, _ := e.profile.Origin("services", name)
	s := Service{Name: name, Origin: originOf(origin)}
	chosen := e.catalog.Services[name]
	at, _ := e.profile.Origin("services", name, "policy")
	s.Methods = append(s.Methods, e.method(r, "", chosen.Policy, originOf(at), usage.Guarded))
	for _, method := range slices.Sorted(maps.Keys(chosen.Methods)) {
		at, _ := e.profile.Origin("services", name, "methods", method)
		s.Methods = append(s.Methods, e.method(r, method, chosen.Methods[method], originOf(at), usage.Guarded))
	}
	return s
}

// taggedService knows the tag and every method. What the profile chooses for a
// method beats what the code does, and so on down to the tag.
func (e *explainer) taggedService(r *Report, t Tagged, key string) Service {
	s := Service{Name: t.Type, Full: t.Full, Tagged: placeOf(t.At), Methods: []Method{}}
	whole, origin := t.Policy, s.Tagged
	chosen := e.catalog.Services[key]
	if key != "" {
		at, _ := e.profile.Origin("services", key)
		s.Origin = originOf(at)
		if chosen.Policy != "" {
			at, _ := e.profile.Origin("services", key, "policy")
			whole, origin = chosen.Policy, originOf(at)
		}
	}
	if len(t.Methods) == 0 { // a function, or a type whose methods are not known here
		s.Methods = append(s.Methods, e.method(r, "", whole, origin, usage.Guarded))
		for _, method := range slices.Sorted(maps.Keys(chosen.Methods)) {
			at, _ := e.profile.Origin("services", key, "methods", method)
			s.Methods = append(s.Methods, e.method(r, method, chosen.Methods[method], originOf(at), usage.Guarded))
		}
		return s
	}
	for _, m := range t.Methods {
		name, origin, guard := whole, origin, m.Guard
		if use, ok := t.Chosen[m.Name]; ok {
			name, origin = use.Policy, placeOf(use.At)
		}
		if own, ok := chosen.Methods[m.Name]; ok {
			at, _ := e.profile.Origin("services", key, "methods", m.Name)
			name, origin = own, originOf(at)
		}
		if _, ok := chosen.Methods[m.Name]; guard == usage.Optional && ok || t.Chosen[m.Name].Policy != "" && guard == usage.Optional {
			guard = usage.Guarded // somebody chose
		}
		s.Methods = append(s.Methods, e.method(r, m.Name, name, origin, guard))
	}
	return s
}

// method works out what a policy means for one method.
func (e *explainer) method(r *Report, name, policyName string, origin Origin, guard usage.Guard) Method {
	m := Method{Name: name, Policy: policyName, Origin: origin, Attempts: 1}
	unbounded := Unbounded
	switch guard {
	case usage.Optional:
		m.Policy, m.Worst, m.Note = "none", &unbounded, "passed through unless a policy is chosen for it"
		return m
	case usage.Unguarded:
		m.Policy, m.Worst, m.Note = "none", &unbounded, "it returns no error to judge by"
		return m
	case usage.Once:
		m.Note = "once: never attempted again once it may have reached the dependency"
	case usage.NoTimeouts:
		m.Note = "no timeout can be enforced: it takes no context"
	case usage.Guarded:
	}
	if policyName == "none" {
		m.Worst = &unbounded
	} else if i := r.policy(policyName); i >= 0 {
		a := r.Policies[i].Analysis
		m.Worst, m.Attempts = &a.Worst, a.Attempts
		if guard == usage.NoTimeouts {
			m.Worst = &unbounded
		}
		if guard == usage.Once {
			m.Attempts = 1
		}
	}
	m.Retried = m.Attempts > 1
	return m
}

// matches reports whether a service goes by a name that was asked for: its own,
// or the short form of one with an import path.
func (s Service) matches(name string) bool {
	return name == s.Name || name == s.Full || name == path.Base(s.Name)
}
