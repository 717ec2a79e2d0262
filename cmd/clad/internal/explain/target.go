package explain

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/suggest"
)

// Only returns the part of a report about a policy, a service, or a method of
// one: "external_api", "payments.Gateway", "payments.Gateway.Refund".
func (r *Report) Only(target string) (*Report, error) {
	part := &Report{Profile: r.Profile, Services: []Service{}, Policies: []Policy{}}
	for _, s := range r.Services {
		if slices.Contains(s.names(), target) {
			part.Services = append(part.Services, s)
		} else if m, ok := s.target(target); ok {
			s.Methods = []Method{m}
			s.Answers = s.answersOf(m)
			part.Services = append(part.Services, s)
		}
	}
	for _, p := range r.Policies {
		asked := p.Name == target || slices.ContainsFunc(part.Services, func(s Service) bool { return s.uses(p.Name) })
		if asked {
			part.Policies = append(part.Policies, p)
		}
	}
	if len(part.Services)+len(part.Policies) == 0 {
		return nil, fmt.Errorf("the profile %s has no service, method or policy %q%s", r.Profile, target, r.hint(target))
	}
	return part, nil
}

// target returns the method of the service that is meant: "payments.Gateway.Refund",
// "grpc.ClientConnInterface/shop.Orders/Get".
func (s Service) target(target string) (Method, bool) {
	for _, name := range s.names() {
		rest, ok := strings.CutPrefix(target, name)
		if !ok || name == "" {
			continue
		}
		if method, ok := strings.CutPrefix(rest, "."); ok {
			rest = method
		} else if !strings.HasPrefix(rest, "/") {
			continue
		}
		if m, ok := s.method(rest); ok {
			return m, true
		}
	}
	return Method{}, false
}

// method returns what is known of a method: its own choice, or that of all the
// others.
func (s Service) method(name string) (Method, bool) {
	for _, m := range s.Methods {
		if m.Name == name {
			return m, true
		}
	}
	if len(s.Methods) > 0 && s.Methods[0].Name == "" && !strings.ContainsAny(name, "./") {
		m := s.Methods[0]
		m.Name = name
		return m, true
	}
	return Method{}, false
}

func (s Service) uses(policy string) bool {
	return slices.ContainsFunc(s.Methods, func(m Method) bool { return m.Policy == policy })
}

func (r *Report) hint(target string) string {
	var known []string
	for _, p := range r.Policies {
		known = append(known, p.Name)
	}
	for _, s := range r.Services {
		known = append(known, s.Name)
		for _, m := range s.Methods {
			if m.Name != "" {
				known = append(known, s.operation(m.Name))
			}
		}
	}
	if hint := suggest.DidYouMean(target, known); hint != "" {
		return hint
	}
	if len(known) == 0 {
		return "; it has none"
	}
	return "; it has: " + strings.Join(known[:min(len(known), 12)], ", ")
}
