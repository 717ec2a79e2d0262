package check

import (
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/cmd/clad/internal/verbs"
	"github.com/cladgo/clad/internal/keypath"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// writes warns of methods whose names say that they change something, and that a
// policy repeats after an attempt of which nobody knows whether it had its effect:
// unless somebody has thought about it, and said so at the method, in the code or
// in the profile. Of a service that is tagged in several places the first is shown.
func (c *checker) writes(p soundProfile, code *usage.Code) {
	said := map[string]bool{}
	for _, s := range code.Services {
		key, choices := p.chosenFor(s)
		byPolicy := map[string][]string{}
		for _, m := range s.Methods {
			name := policyOf(s, choices, m.Name)
			_, inProfile := choices.Methods[m.Name]
			_, inCode := s.Chosen[m.Name]
			if !inProfile && !inCode && repeats(m) && verbs.Changes(m.Name) && attempts(p.catalog.Policies[name]) > 1 {
				byPolicy[name] = append(byPolicy[name], m.Name)
			}
		}
		for name, methods := range byPolicy {
			about := s.FullID() + " " + name + " " + strings.Join(methods, " ")
			if said[about] {
				continue
			}
			said[about] = true
			f := inCode(s.At, "%s of %s may be repeated by the policy %s after an attempt that had its effect: say //clad:once at the method, or //clad:safe where a repeat does no harm, or choose a policy with container.Method or in %s",
				suggest.Few(methods), s.ID(), name, keypath.Join("services", key, "methods"))
			f.Note, f.Warning = true, true
			c.add(f, p.Name)
		}
	}
}

// chosenFor is what a profile chooses for a service, and under which name.
func (p soundProfile) chosenFor(s usage.Service) (key string, choices policy.Service) {
	for _, key := range s.Keys() {
		if choices, ok := p.catalog.Services[key]; ok {
			return key, choices
		}
	}
	return s.ID(), policy.Service{}
}

// repeats reports whether a method is guarded so that a retry repeats it.
func repeats(m usage.Method) bool {
	switch m.Guard {
	case usage.Guarded, usage.NoTimeouts, usage.Rewinds:
		return true
	case usage.Once, usage.Single, usage.Safe, usage.Hedges, usage.Optional, usage.Unguarded:
	}
	return false
}

// attempts are the most that a policy makes.
func attempts(p policy.Policy) int {
	n := 1
	for _, layer := range policy.Layers(p) {
		if r, ok := layer.(policy.Retry); ok {
			n *= r.WithDefaults().MaxAttempts
		}
	}
	return n
}
