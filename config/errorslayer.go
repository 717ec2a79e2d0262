package config

import (
	"regexp"
	"slices"

	"github.com/cladgo/clad/policy"
)

// errorNames is the section of what bears the names of errors: it is in the code.
const errorNames = "errors"

var errorsLayer = &layer{
	key: "errors",
	definition: definition{
		kind: object, removable: true,
		doc: "What the dependency's errors mean, beyond what clad knows of its client. The names are those of known clients' errors, such as `redis.Nil`, and those that the code gives with `module.WithErrors`.",
		fields: []field{
			{key: "answers", definition: errorList("Errors by which the dependency says no: it worked. They are not retried, and a success to a circuit breaker.")},
			{key: "failures", definition: errorList("Errors that are failures, whatever clad knows of them.")},
			{key: "refusals", definition: errorList("Errors that no attempt can help. They are not retried, and neither success nor failure to a circuit breaker.")},
		},
	},
	build: buildErrors,
}

func errorList(doc string) definition {
	return definition{kind: list, rule: errorRule, section: errorNames, defaultValue: []string{}, doc: doc}
}

var errorRule = &keyRule{
	pattern: regexp.MustCompile(`^[^\p{C}\p{Z},]([^\p{C},]*[^\p{C}\p{Z},])?$`),
	text:    "the name of an error, such as redis.Nil, without commas",
}

func buildErrors(b *builder, at place) policy.Policy {
	var p policy.Errors
	meaning := map[string]place{}
	for _, l := range []struct {
		key    string
		errors *[]error
	}{{"answers", &p.Answers}, {"failures", &p.Failures}, {"refusals", &p.Refusals}} {
		names := at.field(l.key)
		for i, name := range names.list() {
			item := names.item(i)
			if other, ok := meaning[name]; ok {
				b.mistake(item, "%s is among %s as well (%v); it can have one meaning", quote(name), other.path[len(other.path)-1], other.origin())
				continue
			}
			meaning[name] = item
			b.refer(errorNames, name, item)
			*l.errors = append(*l.errors, policy.ErrorName(name))
		}
	}
	return p
}

// knownErrors are the names that a loader knows, sorted; nil if it knows none, and
// any may be right.
func (l Loader) knownErrors() []string {
	if l.Errors == nil {
		return nil
	}
	names := append([]string{}, l.Errors...)
	slices.Sort(names)
	return slices.Compact(names)
}
