package explain

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/adapters"
	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/policy"
)

// Service is one service: as the profile has it, as the code tags it, or both.
type Service struct {
	Name   string `json:"service"`
	Full   string `json:"full,omitempty"`  // with its import path, where the code was looked at
	Origin Origin `json:"origin"`          // in the profile; zero if it is not in there
	Tagged Origin `json:"tagged,omitzero"` // in the code; zero if that was not looked at
	// Critical says where the profile has the application not ready while a circuit
	// breaker of the service is open; zero where it does not.
	Critical Origin `json:"critical,omitzero"`
	// Methods are those with a choice of their own, and without a name all the
	// others; where the code was looked at, every method by its name.
	Methods []Method `json:"methods"`
	// Answers say which errors of the service are none.
	Answers []Answers `json:"answers,omitempty"`
	// Fallbacks are asked when the service is unavailable.
	Fallbacks []Fallback `json:"fallbacks,omitempty"`

	types []string // short and in full, without what tells it from others of its type
}

// Fallback is what the code has asked in the place of a service.
type Fallback struct {
	By     string `json:"by"`               // the constructor, or a function
	Method string `json:"method,omitempty"` // that it is for; none: all
	Origin Origin `json:"origin"`
}

// String is how a line of the report says it.
func (f Fallback) String() string {
	if f.Method != "" {
		return f.Method + " falls back on " + f.By
	}
	return "falls back on " + f.By
}

// Method says which policy a method gets.
type Method struct {
	Name string `json:"method"` // "" stands for all that are not listed
	// Policy is "none" for none, and "" where the tag decides and the code was
	// not looked at.
	Policy string `json:"policy"`
	Origin Origin `json:"origin"` // of the choice
	// Retried says whether the method may be attempted again.
	Retried  bool `json:"retried"`
	Attempts int  `json:"attempts"`
	// Budget is the share of the service's operations that its retries keep to, 0
	// for none.
	Budget float64 `json:"retry_budget,omitempty"`
	Worst  *Bound  `json:"worst_case,omitempty"` // nil where the policy is not known
	Note   string  `json:"note,omitempty"`       // why it is not guarded in full
}

func (s Service) operation(method string) string {
	if method == "" || method[0] == '/' { // a path
		return s.Name + method
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
	for _, key := range t.Keys() {
		if _, ok := e.catalog.Services[key]; ok {
			return key, true
		}
	}
	return "", false
}

// critical says where a service is marked as such.
func (e *explainer) critical(key string) Origin {
	if !e.catalog.Services[key].Critical {
		return Origin{}
	}
	origin, _ := e.profile.Origin("services", key, "critical")
	return originOf(origin)
}

// profileService knows no more than the profile does.
func (e *explainer) profileService(r *Report, name string) Service {
	origin, _ := e.profile.Origin("services", name)
	s := Service{Name: name, Origin: originOf(origin), Critical: e.critical(name)}
	s.Methods = e.chosenMethods(r, Tagged{}, name)
	s.Answers = e.answers(s, Tagged{})
	return s
}

// taggedService knows the tag as well, and every method.
func (e *explainer) taggedService(r *Report, t Tagged, key string) Service {
	s := Service{Name: t.ID(), Full: t.FullID(), Tagged: placeOf(t.At), types: []string{t.Type, t.Full}}
	if origin, ok := e.profile.Origin("services", key); ok {
		s.Origin = originOf(origin)
		s.Critical = e.critical(key)
	}
	if len(t.Methods) == 0 { // a function, or a type whose methods are not known here
		s.Methods = e.chosenMethods(r, t, key)
		s.Answers = e.answers(s, t)
		s.Fallbacks = fallbacksOf(t)
		return s
	}
	for _, m := range t.Methods {
		c := e.choose(t, key, m.Name)
		if m.Guard == usage.Optional && c.forMethod || m.Guard == usage.Once && c.inProfile {
			m.Guard = usage.Guarded
		}
		s.Methods = append(s.Methods, e.method(r, t.Full, m, c))
	}
	for _, name := range e.chosenNames(t, key) { // of calls
		if strings.HasPrefix(name, "/") {
			s.Methods = append(s.Methods, e.method(r, t.Full, usage.Method{Name: name, Guard: unknown}, e.choose(t, key, name)))
		}
	}
	s.Answers = e.answers(s, t)
	s.Fallbacks = fallbacksOf(t)
	return s
}

func fallbacksOf(t Tagged) []Fallback {
	var found []Fallback
	for _, f := range t.Fallbacks {
		found = append(found, Fallback{f.Text, f.Method, placeOf(f.At)})
	}
	return found
}

// chosenMethods are those that somebody chooses a policy for, and without a name
// all the others.
func (e *explainer) chosenMethods(r *Report, t Tagged, key string) []Method {
	service := cmp.Or(t.Full, key)
	methods := []Method{e.method(r, service, usage.Method{Guard: unknown}, e.choose(t, key, ""))}
	for _, name := range e.chosenNames(t, key) {
		methods = append(methods, e.method(r, service, usage.Method{Name: name, Guard: unknown}, e.choose(t, key, name)))
	}
	return methods
}

// chosenNames are those that somebody chooses a policy for.
func (e *explainer) chosenNames(t Tagged, key string) []string {
	names := slices.Collect(maps.Keys(e.catalog.Services[key].Methods))
	names = slices.AppendSeq(names, maps.Keys(t.Chosen))
	slices.Sort(names)
	return slices.Compact(names)
}

// choice is the policy that is chosen for a method, and where.
type choice struct {
	policy    string
	origin    Origin
	forMethod bool // for the method itself
	inProfile bool // by the profile, for the method itself
}

// choose finds what counts for a method: what the profile chooses for it, else
// what the code does, else what the profile chooses for the service, else the
// tag.
func (e *explainer) choose(t Tagged, key, method string) choice {
	chosen := e.catalog.Services[key]
	if name, ok := chosen.Methods[method]; ok {
		origin, _ := e.profile.Origin("services", key, "methods", method)
		return choice{name, originOf(origin), true, true}
	}
	if use, ok := t.Chosen[method]; ok {
		return choice{policy: use.Policy, origin: placeOf(use.At), forMethod: true}
	}
	if chosen.Policy != "" {
		origin, _ := e.profile.Origin("services", key, "policy")
		return choice{policy: chosen.Policy, origin: originOf(origin)}
	}
	return choice{policy: t.Policy, origin: placeOf(t.At)}
}

// unknown is the guard of methods that are known by a profile alone.
const unknown = usage.Guard(-1)

// method works out what a choice means for one method of a service.
func (e *explainer) method(r *Report, service string, of usage.Method, c choice) Method {
	m := Method{Name: of.Name, Policy: c.policy, Origin: c.origin, Attempts: 1}
	var notes []string
	switch of.Guard {
	case usage.Optional:
		m.Policy, notes = "none", []string{"passed through unless a policy is chosen for it"}
	case usage.Unguarded:
		m.Policy, notes = "none", []string{"it returns no error to judge by"}
	case usage.Once:
		notes = []string{"once: never attempted again once it may have reached the dependency"}
	case usage.Single:
		notes = []string{"one attempt: it uses up what it is given"}
	case usage.Rewinds:
		notes = []string{"another attempt only where its input can be read again"}
	case usage.Safe:
		notes = []string{"safe to repeat"}
	case usage.Hedges:
		notes = []string{"safe to repeat, also twice at once"}
	case usage.Guarded, usage.NoTimeouts, unknown:
	}
	if of.NoTimeouts {
		notes = append(notes, "no timeout can be enforced: it takes no context")
	}
	unbounded := Unbounded
	if m.Policy == "none" {
		m.Worst = &unbounded
	} else if i, ok := e.numbers[m.Policy]; ok {
		a := r.Policies[i].Analysis
		if alone := r.Policies[i].alone; alone != nil {
			switch hedged(service, of) {
			case adapters.Always:
			case adapters.Never:
				a, notes = *alone, append(notes, "not hedged: it is not known to be safe to repeat, also twice at once")
			case adapters.Sometimes:
				notes = append(notes, "hedged where that is known to be safe: //clad:safe and values alone, requests of net/http that only read, gRPC calls without side effects")
			}
		}
		m.Worst, m.Attempts, m.Budget = &a.Worst, a.Attempts, a.Budget
		if of.NoTimeouts {
			m.Worst = &unbounded
		}
		if of.Guard == usage.Once || of.Guard == usage.Single {
			m.Attempts = 1
		}
	}
	m.Note = strings.Join(notes, "; ")
	if m.Retried = m.Attempts > 1; !m.Retried {
		m.Budget = 0
	}
	return m
}

// hedged says whether calls of a method are hedged where the policy says so.
func hedged(service string, of usage.Method) adapters.Hedging {
	if h, ok := adapters.Hedges(service, of.Name); ok {
		return h
	}
	switch of.Guard {
	case usage.Hedges:
		return adapters.Always
	case unknown:
		return adapters.Sometimes
	case usage.Guarded, usage.Once, usage.Optional, usage.Unguarded, usage.NoTimeouts, usage.Single, usage.Rewinds, usage.Safe:
	}
	return adapters.Never
}

func withoutHedges(layers []Layer) []Layer {
	return slices.DeleteFunc(slices.Clone(layers), func(l Layer) bool {
		_, is := l.Policy.(policy.Hedge)
		return is
	})
}

// names are those that a service goes by when it is asked for: its own, the short
// form of one with an import path, and that of its type.
func (s Service) names() []string {
	return append([]string{s.Name, s.Full, path.Base(s.Name)}, s.types...)
}
