package check

import (
	"slices"
	"strings"
	"unicode"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
	"github.com/cladgo/clad/internal/keypath"
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
			name := s.Policy
			if choices.Policy != "" {
				name = choices.Policy
			}
			_, inProfile := choices.Methods[m.Name]
			_, inCode := s.Chosen[m.Name]
			if !inProfile && !inCode && repeats(m) && changes(m.Name) && attempts(p.catalog.Policies[name]) > 1 {
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
				few(methods), s.ID(), name, keypath.Join("services", key, "methods"))
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

// changing are verbs that do something anew each time. What sets or deletes
// something leaves it the same the second time.
var changing = []string{
	"Add", "Append", "Book", "Buy", "Capture", "Charge", "Commit", "Create", "Credit", "Debit", "Decr", "Decrement",
	"Deposit", "Dispatch", "Emit", "Enqueue", "Exec", "Execute", "Import", "Incr", "Increment", "Insert", "Invite",
	"Move", "Notify", "Pay", "Place", "Pop", "Post", "Produce", "Publish", "Purchase", "Push",
	"Refund", "Register", "Reserve", "Sell", "Send", "Submit", "Transfer", "Upload", "Withdraw", "Write",
}

// changes reports whether the first verb of a name is one of these.
func changes(method string) bool {
	for _, prefix := range []string{"Async", "Batch", "Bulk", "Do", "Must", "Try"} { // which say how
		if rest, ok := strings.CutPrefix(method, prefix); ok && rest != "" && unicode.IsUpper(rune(rest[0])) {
			method = rest
		}
	}
	if len(method) > 2 && unicode.IsUpper(rune(method[1])) && unicode.IsLower(rune(method[2])) { // LPush, as of Redis
		method = method[1:]
	}
	i := strings.IndexFunc(method[1:], unicode.IsUpper)
	if i >= 0 {
		method = method[:i+1]
	}
	return slices.Contains(changing, method)
}
