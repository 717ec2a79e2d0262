package explain

import (
	"slices"
	"strings"

	"github.com/cladgo/clad/cmd/clad/internal/usage"
)

// Answers are errors that mean that the dependency worked and said no: they are not
// retried, and successes to a circuit breaker.
type Answers struct {
	Errors  []string `json:"errors"`            // by the names of profiles, or as the code has them
	Methods []string `json:"methods,omitempty"` // that may return them; none: all that have a policy
	By      string   `json:"by"`                // what says so
	Origin  Origin   `json:"origin,omitzero"`   // where it does
}

// answers are those of a service, in the order in which they are asked: what the
// policies say, then the tag, then what clad knows of the clients behind it.
func (e *explainer) answers(s Service, t Tagged) []Answers {
	var found []Answers
	guarded := map[string][]string{} // methods by policy
	for _, m := range s.Methods {
		if m.Policy != "" && m.Policy != "none" {
			guarded[m.Policy] = append(guarded[m.Policy], m.Name)
		}
	}
	if len(guarded) == 0 {
		return nil
	}
	for _, name := range e.names {
		methods, ok := guarded[name]
		if !ok {
			continue
		}
		if len(guarded) == 1 || slices.Contains(methods, "") {
			methods = nil
		}
		for _, setting := range e.profile.Settings("policies", name, "errors", "answers") {
			if listed, ok := setting.Value.([]string); ok && len(listed) > 0 {
				found = append(found, Answers{listed, methods, "the policy " + name, originOf(setting.Origin)})
			}
		}
	}
	for _, j := range t.Errors.Judges {
		found = append(found, Answers{Errors: []string{"what " + j.Text + " says"}, By: "container.Judge", Origin: placeOf(j.At)})
	}
	for _, a := range t.Errors.Answers {
		found = append(found, Answers{[]string{a.Text}, nil, "container.Answers", placeOf(a.At)})
	}
	return append(found, known(s, t.Errors)...)
}

// known are the answers of the clients that a service's code comes to.
func known(s Service, of usage.ServiceErrors) []Answers {
	var found []Answers
	at := map[*usage.Client]int{}
	guarded := 0
	for _, m := range s.Methods {
		if m.Policy == "" || m.Policy == "none" {
			continue
		}
		guarded++
		for _, c := range of.Clients[m.Name] {
			i, ok := at[c]
			if !ok {
				i = len(found)
				at[c] = i
				found = append(found, Answers{Errors: c.Answers, By: "what clad knows of " + c.Name})
			}
			found[i].Methods = append(found[i].Methods, m.Name)
		}
	}
	for i := range found {
		if len(found[i].Methods) == guarded {
			found[i].Methods = nil
		}
	}
	return found
}

// String is how a line of the report says it.
func (a Answers) String() string {
	var b strings.Builder
	b.WriteString("answers")
	if len(a.Methods) > 0 {
		b.WriteString(" of " + strings.Join(a.Methods, ", "))
	}
	return b.String() + ": " + strings.Join(a.Errors, ", ") + " (" + a.By + ")"
}

// answersOf are those that one method may return.
func (s Service) answersOf(m Method) []Answers {
	var found []Answers
	for _, a := range s.Answers {
		if len(a.Methods) == 0 || slices.Contains(a.Methods, m.Name) {
			found = append(found, a)
		}
	}
	return found
}
