package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// clients notes which tagged services return errors of clients that clad knows, and
// warns where a client that sends things again by itself does so within each attempt
// of a policy's retry.
func (c *checker) clients(p soundProfile, code *usage.Code) {
	said := map[string]bool{}
	for _, s := range code.Services {
		_, choices := p.chosenFor(s)
		for _, found := range byClient(s) {
			client, methods := found.client, found.methods
			where := s.ID()
			if len(methods) > 0 && len(methods) < len(s.Methods) {
				where = suggest.Few(methods) + " of " + where
			}
			f := inCode(s.At, "%s: clad knows the errors of %s: %s are answers, neither retried nor counted; container.Answers or errors: in a policy add others%s", where, client.Name, strings.Join(client.Answers, ", "), unsaid(client))
			f.Note = true
			if key := f.Problem + f.File; !said[key] {
				said[key] = true
				c.add(f, "")
			}
			if client.Repeats == "" || s.Errors.Settled[client] {
				continue
			}
			policies := map[string]bool{}
			for _, method := range methods {
				name := policyOf(s, choices, method)
				if attempts := attempts(p.catalog.Policies[name]); attempts > 1 && !policies[name] {
					policies[name] = true
					f := inCode(s.At, "%s: %s by itself sends %s, in each of the %d attempts of the policy %s: set %s", s.ID(), client.Name, client.Repeats, attempts, name, client.Mend)
					f.Note, f.Warning = true, true
					c.add(f, p.Name)
				}
			}
		}
	}
}

// unsaid tells of answers that only the application can name.
func unsaid(client *usage.Client) string {
	if len(client.Unsaid) == 0 {
		return ""
	}
	return ", as " + strings.Join(client.Unsaid, ", ") + ", which nothing but a text that may be anybody's would tell"
}

// policyOf is the policy that a method gets, as the container has it.
func policyOf(s usage.Service, choices policy.Service, method string) string {
	if name, ok := choices.Methods[method]; ok {
		return name
	}
	if use, ok := s.Chosen[method]; ok {
		return use.Policy
	}
	return cmp.Or(choices.Policy, s.Policy)
}

type clientUse struct {
	client  *usage.Client
	methods []string
}

// byClient are the clients that a service comes to, and the methods that do.
func byClient(s usage.Service) []clientUse {
	var found []clientUse
	add := func(method string) {
		for _, c := range s.Errors.Clients[method] {
			at := slices.IndexFunc(found, func(u clientUse) bool { return u.client == c })
			if at < 0 {
				at = len(found)
				found = append(found, clientUse{client: c})
			}
			found[at].methods = append(found[at].methods, method)
		}
	}
	for _, m := range s.Methods {
		switch m.Guard {
		case usage.Guarded, usage.NoTimeouts, usage.Rewinds, usage.Safe, usage.Hedges:
			add(m.Name)
		case usage.Once, usage.Single, usage.Optional, usage.Unguarded:
		}
	}
	if len(s.Methods) == 0 {
		add("")
	}
	return found
}
