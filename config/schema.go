package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/cladgo/clad/internal/printable"
)

// JSONSchema returns a JSON Schema (draft 2020-12) of a profile's files, which
// editors complete and check by. It is made of the definitions that [Load]
// reads. It accepts every file that Load does; what shows only in the whole of a
// profile, or needs Go's eye, it cannot refuse: names that nothing bears, times
// that don't fit together.
func JSONSchema() []byte {
	root := members{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "A profile of clad"},
		{"description", "How dependencies are protected in one environment. A file is one layer of a profile; settings that it leaves out come from base.yaml, or have their defaults."},
	}
	root = append(root, profileDefinition.schema()...)
	root = append(root, member{"$defs", members{
		{"duration", durationSchema(false)},
		{"positive_duration", durationSchema(true)},
	}})
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		panic(fmt.Sprintf("config: the schema can't be encoded: %v", err)) // it holds only texts, numbers and lists
	}
	return text.Bytes()
}

// members is a JSON object that keeps the order of its members: that of the
// definitions, which editors offer them in.
type members []member

type member struct {
	key   string
	value any
}

// MarshalJSON implements json.Marshaler.
func (m members) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, member := range m {
		value, err := json.Marshal(member.value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendQuote(text, member.key) // keys are plain ASCII
		text = append(append(text, ':'), value...)
	}
	return append(text, '}'), nil
}

// schema describes one place: the values that may stand there, and what the
// reference says of it.
func (d *definition) schema() members {
	var s members
	if doc := d.schemaDoc(); doc != "" {
		s = append(s, member{"description", doc})
	}
	if value := jsonValue(d.defaultValue); value != nil {
		s = append(s, member{"default", value})
	}
	ways := []members{d.typed()}
	if d.shorthand != "" {
		ways = append(ways, d.at(d.shorthand).typed())
	}
	switch {
	case d.kind == object && d.section != "":
		ways = append(ways, nameSchema(nameRule, d.removable))
	case d.removable && d.kind != name:
		ways = append(ways, members{{"const", noneName}})
	}
	if len(ways) == 1 {
		return append(s, ways[0]...)
	}
	return append(s, member{"anyOf", ways})
}

func (d *definition) schemaDoc() string {
	doc := d.doc
	switch {
	case d.required:
		doc += " It must be set, here or in a layer below."
	case d.defaultText != "":
		doc += " Default: " + d.defaultText + "."
	}
	return doc
}

// typed describes the values of the definition's kind.
func (d *definition) typed() members {
	switch d.kind {
	case duration:
		if d.exclusiveMin {
			return members{{"$ref", "#/$defs/positive_duration"}}
		}
		return members{{"$ref", "#/$defs/duration"}}
	case integer:
		return members{{"type", "integer"}, {"minimum", d.min}, {"maximum", d.most()}}
	case number:
		return d.numberSchema()
	case boolean:
		return members{{"type", "boolean"}}
	case word:
		return members{{"enum", d.choices}}
	case list:
		return d.listSchema()
	case name:
		if d.rule != nil {
			return nameSchema(d.rule, d.removable)
		}
		return nameSchema(nameRule, true)
	case table:
		return members{{"type", "object"}, {"propertyNames", nameSchema(d.rule, d.rule.reserved == "")}, {"additionalProperties", d.elem.schema()}}
	default:
		return d.objectSchema()
	}
}

func (d *definition) listSchema() members {
	if d.choices == nil {
		return members{{"type", "array"}, {"items", members{{"type", "string"}, {"pattern", portable(d.rule.pattern)}}}, {"maxItems", maxItems}, {"uniqueItems", true}}
	}
	return members{{"type", "array"}, {"items", members{{"enum", d.choices}}}, {"minItems", 1}, {"uniqueItems", true}}
}

func (d *definition) numberSchema() members {
	s := members{{"type", "number"}}
	if d.exclusiveMin {
		s = append(s, member{"exclusiveMinimum", d.min})
	} else {
		s = append(s, member{"minimum", d.min})
	}
	if d.most() < math.MaxFloat64 {
		s = append(s, member{"maximum", d.most()})
	}
	return s
}

func (d *definition) objectSchema() members {
	var properties members
	for _, f := range d.fields {
		properties = append(properties, member{f.key, f.schema()})
	}
	s := members{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}}
	if d.variant == "" {
		return s
	}
	var rules []members
	for _, w := range d.at(d.variant).choices {
		rules = append(rules, d.variantSchema(w))
	}
	return append(s, member{"allOf", rules})
}

// variantSchema allows an object of one variant the fields of that alone. One
// that does not say which it is may be any: a layer below may say.
func (d *definition) variantSchema(variant string) members {
	var keys []string
	for _, f := range d.fields {
		if f.variants == nil || slices.Contains(f.variants, variant) {
			keys = append(keys, f.key)
		}
	}
	return members{
		{"if", members{
			{"properties", members{{d.variant, members{{"const", variant}}}}},
			{"required", []string{d.variant}},
		}},
		{"then", members{{"propertyNames", members{{"enum", keys}}}}},
	}
}

// nameSchema describes names as a rule has them; reserved allows the word that
// nothing can be named.
func nameSchema(rule *keyRule, reserved bool) members {
	s := members{{"type", "string"}, {"pattern", portable(rule.pattern)}}
	if !reserved {
		s = append(s, member{"not", members{{"const", rule.reserved}}})
	}
	return s
}

var letterClass = regexp.MustCompile(`\\p([LN])`)

// portable writes the classes of a pattern as other languages than Go know them.
func portable(pattern *regexp.Regexp) string {
	return letterClass.ReplaceAllString(pattern.String(), `\p{$1}`)
}

func durationSchema(positive bool) members {
	description, outside := "A duration with its unit: 500ms, 5s, 1m30s, 2h.", "^-.*[1-9]"
	if positive {
		description, outside = "A duration above zero with its unit: 500ms, 5s, 1m30s, 2h.", "^-|^[^1-9]*$"
	}
	return members{
		{"description", description},
		{"type", "string"},
		{"pattern", durationShape.String()},
		{"not", members{{"pattern", outside}}},
	}
}

// jsonValue is a value as JSON has it, or nil for none.
func jsonValue(v any) any {
	if d, ok := v.(time.Duration); ok {
		return printable.Duration(d)
	}
	return v
}
