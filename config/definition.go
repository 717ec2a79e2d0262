package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// kind says what a value is.
type kind int

const (
	duration kind = iota + 1 // time.Duration
	integer                  // int
	number                   // float64
	boolean                  // bool
	word                     // string, one of a few
	name                     // string, the name of something
	list                     // []string
	object                   // values, with the keys of its fields
	table                    // values, with names for keys
)

// A definition says what may stand at one place of a profile. Everything that
// knows the format (the checker, the environment, the defaults, the reference,
// the schema) reads it here.
type definition struct {
	kind kind
	doc  string // for the reference

	defaultValue  any                    // the default, of the kind's Go type; nil where there is none
	defaultText   string                 // in words, for a default that isn't always the same value
	deriveDefault func(object place) any // works such a default out from the other fields; nil: a profile can't know it
	required      bool

	min          float64 // least value; of durations in nanoseconds
	exclusiveMin bool    // min itself is too little
	max          float64 // greatest value; 0: none for numbers, an int32's for integers

	choices []string // of a word, and of a list's elements
	section string   // where the name is defined: of a name, a list's elements, or an object that a name may replace

	fields    []field     // of an object
	shorthand string      // of an object: the field that a bare value sets
	removable bool        // the word none takes away what was inherited
	variant   string      // of an object: the field that says which variant it is; another one inherits nothing
	rule      *keyRule    // of a table, of a name that is made here, and of a list of names
	elem      *definition // of a table
}

// field is one key of an object.
type field struct {
	key string
	definition
	variants []string // the variants that have it; nil: all
}

// keyRule says which names may be keys of a table.
type keyRule struct {
	pattern  *regexp.Regexp
	text     string
	reserved string // no key may be this word
}

// problem says what is wrong with key, or "".
func (r *keyRule) problem(key string) string {
	switch {
	case !r.pattern.MatchString(key):
		return fmt.Sprintf("%s is no name that can stand here; write %s", quote(key), r.text)
	case r.reserved != "" && key == r.reserved:
		return fmt.Sprintf("nothing can be named %s: that word always means no protection", r.reserved)
	default:
		return ""
	}
}

// field returns the definition of one of an object's keys, or nil.
func (d *definition) field(key string) *field {
	for i := range d.fields {
		if d.fields[i].key == key {
			return &d.fields[i]
		}
	}
	return nil
}

// at returns the definition of what stands under key, or nil.
func (d *definition) at(key string) *definition {
	if d.kind == table {
		return d.elem
	}
	if f := d.field(key); f != nil {
		return &f.definition
	}
	return nil
}

// element returns the definition of a list's elements.
func (d *definition) element() *definition {
	if d.choices == nil {
		return &definition{kind: name, rule: d.rule}
	}
	return &definition{kind: word, choices: d.choices}
}

// fieldKeys lists an object's keys.
func (d *definition) fieldKeys() []string {
	keys := make([]string, len(d.fields))
	for i, f := range d.fields {
		keys[i] = f.key
	}
	return keys
}

// expects says what may be written, to follow "must be".
func (d *definition) expects() string {
	var ways []string
	switch d.kind {
	case duration:
		ways = append(ways, "a duration such as 5s")
	case integer:
		ways = append(ways, "a whole number")
	case number:
		ways = append(ways, "a number")
	case boolean:
		ways = append(ways, "true or false")
	case word:
		ways = append(ways, "one of "+strings.Join(d.choices, ", "))
	case name:
		ways = append(ways, "a name")
	case list:
		if d.choices == nil {
			ways = append(ways, "a list of names")
		} else {
			ways = append(ways, "a list of "+strings.Join(d.choices, ", "))
		}
	case object:
		ways = append(ways, "a map of settings")
	case table:
		ways = append(ways, "a map of names")
	}
	if d.shorthand != "" {
		ways = append(ways, d.at(d.shorthand).expects())
	}
	if d.kind == object && d.section != "" {
		ways = append(ways, "the name of a "+singular(d.section))
	}
	if d.removable {
		ways = append(ways, "none")
	}
	last := len(ways) - 1
	if last == 0 {
		return ways[0]
	}
	return strings.Join(ways[:last], ", ") + " or " + ways[last]
}

// limits says which values are in range, to follow "must be"; "" means all.
func (d *definition) limits() string {
	switch d.kind {
	case duration:
		if d.exclusiveMin {
			return "longer than 0s"
		}
		return "0s or longer"
	case integer, number:
		least := strconv.FormatFloat(d.min, 'g', -1, 64)
		switch {
		case d.max > 0 && d.exclusiveMin:
			return fmt.Sprintf("above %s, and %v at most", least, d.max)
		case d.max > 0:
			return fmt.Sprintf("%s to %v", least, d.max)
		case d.exclusiveMin:
			return "above " + least
		}
		return least + " or more"
	default:
		return ""
	}
}

// inRange reports whether v, nanoseconds for a duration, is within the limits.
func (d *definition) inRange(v float64) bool {
	if d.exclusiveMin && v <= d.min {
		return false
	}
	return v >= d.min && v <= d.most()
}

func (d *definition) most() float64 {
	switch {
	case d.max > 0:
		return d.max
	case d.kind == integer:
		return math.MaxInt32
	default:
		return math.MaxFloat64
	}
}
