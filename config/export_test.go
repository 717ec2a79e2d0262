package config

import (
	"fmt"
	"strings"
)

// ReferenceTables renders the definitions as the tables of docs/profiles.md, by
// the name of the table.
func ReferenceTables() map[string]string {
	tables := map[string]string{}
	for name, fields := range map[string][]field{
		"profile":         profileDefinition.fields,
		"policy":          policyDefinition.fields,
		"retry":           retryLayer.definition.fields,
		"backoff":         backoffDefinition.fields,
		"hedge":           hedgeLayer.definition.fields,
		"adaptive_limit":  adaptiveLimitLayer.definition.fields,
		"errors":          errorsLayer.definition.fields,
		"chaos":           chaosLayer.definition.fields,
		"rate_limit":      rateLimitLayer.definition.fields,
		"bulkhead":        bulkheadLayer.definition.fields,
		"circuit_breaker": circuitBreakerLayer.definition.fields,
		"service":         serviceDefinition.fields,
	} {
		var b strings.Builder
		b.WriteString("| setting | value | default | meaning |\n|---|---|---|---|\n")
		for _, f := range fields {
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.key, f.inWords(), f.defaultInWords(), f.meaning())
		}
		tables[name] = b.String()
	}
	return tables
}

// SettingKeys lists every key that a profile can have, but for names.
func SettingKeys() []string {
	var keys []string
	var walk func(d *definition)
	walk = func(d *definition) {
		for i := range d.fields {
			keys = append(keys, d.fields[i].key)
			walk(&d.fields[i].definition)
		}
		if d.elem != nil {
			walk(d.elem)
		}
	}
	walk(profileDefinition)
	return keys
}

func (d *definition) inWords() string {
	text := strings.TrimPrefix(d.expects(), "a ")
	if limits := d.limits(); limits != "" && limits != "0 or more" {
		text += "; " + limits
	}
	return text
}

func (d *definition) defaultInWords() string {
	switch {
	case d.required:
		return "none: it must be set"
	case d.defaultText != "":
		return d.defaultText
	case d.defaultValue != nil:
		return fmt.Sprintf("%v", d.defaultValue)
	default:
		return "not set"
	}
}

func (f *field) meaning() string {
	if f.variants == nil {
		return f.doc
	}
	return f.doc + " (" + strings.Join(f.variants, ", ") + ")"
}
