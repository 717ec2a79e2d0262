package config

import (
	"regexp"
	"strings"
)

// The sections of a profile.
const (
	circuitBreakers = "circuit_breakers"
	rateLimiters    = "rate_limiters"
	bulkheads       = "bulkheads"
	policies        = "policies"
	services        = "services"
)

// The settings of a profile as a whole.
const (
	reload = "reload"
	shadow = "shadow"
)

// singular names one entry of a section that can be named elsewhere.
func singular(section string) string {
	switch section {
	case circuitBreakers:
		return "circuit breaker"
	case rateLimiters:
		return "rate limiter"
	case bulkheads:
		return "bulkhead"
	case errorNames:
		return "error of the name"
	default:
		return "policy"
	}
}

// noneWord means no policy where a policy is named, and elsewhere that
// something inherited is taken away. Nothing can be named so.
const noneName = "none"

var (
	nameRule = &keyRule{
		pattern:  regexp.MustCompile(`^[\pL\pN][\pL\pN_./:-]*$`),
		text:     "letters, digits and _ - . / :, with a letter or digit first",
		reserved: noneName,
	}
	serviceRule = &keyRule{
		pattern: regexp.MustCompile("^[^\\s\"`\\p{C}]*\\pL[^\\s\"`\\p{C}]*$"),
		text:    "a Go type such as payments.Gateway",
	}
	methodRule = &keyRule{
		pattern: regexp.MustCompile("^([\\pL_][\\pL\\pN_]*|([A-Z]+ )?/[^\\s\"`\\p{C}]+)$"),
		text:    "the name of a Go method, or a path that calls go by such as /shop.Orders/Get",
	}
)

// profileDefinition is the whole format.
var profileDefinition = &definition{
	kind: object,
	fields: []field{
		{key: circuitBreakers, definition: definition{
			kind: table, rule: nameRule,
			elem: &definition{kind: object, fields: circuitBreakerFields},
			doc:  "Named circuit breakers: one object each, shared by whoever names it.",
		}},
		{key: rateLimiters, definition: definition{
			kind: table, rule: nameRule,
			elem: &definition{kind: object, fields: rateLimitFields},
			doc:  "Named rate limiters: one object each, shared by whoever names it.",
		}},
		{key: bulkheads, definition: definition{
			kind: table, rule: nameRule,
			elem: &definition{kind: object, fields: bulkheadFields},
			doc:  "Named bulkheads: one object each, shared by whoever names it.",
		}},
		{key: policies, definition: definition{
			kind: table, rule: nameRule, elem: policyDefinition,
			doc: "The policies that tags name. `none` is a policy that protects nothing.",
		}},
		{key: services, definition: definition{
			kind: table, rule: serviceRule,
			elem: serviceDefinition,
			doc:  "Choices per tagged service and method, without touching code. The service is written as its Go type, with the full import path where two would collide.",
		}},
		{key: standard, definition: definition{
			kind: boolean, defaultValue: false,
			doc: "Add the policy `standard`, which is for services that have none of their own: those whose tag names no policy. A policy of that name here lies over it, and others may extend it.",
		}},
		{key: reload, definition: definition{
			kind: boolean, defaultValue: false,
			doc: "Watch the files of the profile, and put every sound change in force while running.",
		}},
		{key: shadow, definition: definition{
			kind: name, rule: nameRule, removable: true,
			doc: "Another profile, whose policies are reckoned beside these on the same calls, without acting: a dry run. In `base.yaml` it goes for all profiles but that one.",
		}},
	},
}

var policyDefinition = &definition{
	kind: object, removable: true,
	fields: append([]field{
		{key: "extends", definition: definition{
			kind: name, section: policies, removable: true,
			doc: "The policy to start from: maps merge deeply, the rest replaces. `none` under any key takes away what was inherited.",
		}},
		{key: "order", definition: definition{
			kind: list, choices: layerKeys(), removable: true, defaultText: strings.Join(layerKeys(), ", "),
			deriveDefault: defaultOrder,
			doc:           "Another nesting, outermost first. It names every layer that the policy has, once.",
		}},
	}, layerFields()...),
}

func defaultOrder(policy place) any {
	if has := layersOf(policy); len(has) > 0 {
		return keysOf(has)
	}
	return nil
}

var serviceDefinition = &definition{
	kind: object,
	fields: []field{
		{key: "policy", definition: definition{
			kind: name, section: policies, defaultText: "the tag's",
			doc: "The policy of the service; `none` for none. It beats the tag's.",
		}},
		{key: "methods", definition: definition{
			kind: table, rule: methodRule, elem: &definition{kind: name, section: policies},
			doc: "The policy of single methods; `none` for none.",
		}},
		{key: "critical", definition: definition{
			kind: boolean, defaultValue: false,
			doc: "Whether the application is of no use without the service: it is not ready while a circuit breaker of the service is open.",
		}},
	},
}
