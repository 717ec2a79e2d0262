package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cladgo/clad/internal/suggest"
	"go.yaml.in/yaml/v3"
)

// The tags of YAML that a profile uses.
const (
	textTag  = "!!str"
	intTag   = "!!int"
	floatTag = "!!float"
	boolTag  = "!!bool"
	nullTag  = "!!null"
	mapTag   = "!!map"
	listTag  = "!!seq"
	mergeTag = "!!merge"
)

// scalar reads one value as d has it, or says what is wrong with it. Nothing is
// converted: true is not 1, "3" is not 3, and 5 is not a duration.
func (d *definition) scalar(n *yaml.Node) (value any, problem string) {
	isText := n.Kind == yaml.ScalarNode && n.ShortTag() == textTag
	if d.removable && isText && n.Value == noneName {
		return removedValue{}, ""
	}
	switch {
	case n.Kind != yaml.ScalarNode:
	case d.kind == duration:
		return d.scalarDuration(n)
	case d.kind == integer:
		return d.scalarInteger(n)
	case d.kind == number:
		return d.scalarNumber(n)
	case d.kind == boolean && n.ShortTag() == boolTag:
		switch strings.ToLower(n.Value) {
		case "true":
			return true, ""
		case "false":
			return false, ""
		}
	case d.kind == word && isText:
		for _, w := range d.choices {
			if n.Value == w {
				return w, ""
			}
		}
		return nil, fmt.Sprintf("must be %s, not %s%s", d.expects(), describe(n), suggest.DidYouMean(n.Value, d.choices))
	case d.kind == name && isText:
		if d.rule != nil {
			return n.Value, d.rule.problem(n.Value)
		}
		if n.Value != "" {
			return n.Value, ""
		}
	case d.kind == object && d.section != "" && isText && n.Value != "":
		return n.Value, ""
	}
	return nil, d.mismatch(n)
}

func (d *definition) mismatch(n *yaml.Node) string {
	return fmt.Sprintf("must be %s, not %s", d.expects(), describe(n))
}

var (
	plainNumber   = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)
	durationShape = regexp.MustCompile(`^[+-]?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`)
)

func (d *definition) scalarDuration(n *yaml.Node) (any, string) {
	tag := n.ShortTag()
	bare := plainNumber.MatchString(n.Value)
	if bare && (tag == intTag || tag == floatTag || tag == textTag) {
		return nil, fmt.Sprintf("%.40s has no unit; write %.40[1]ss, or with ms, m or h", n.Value)
	}
	if tag != textTag {
		return nil, d.mismatch(n)
	}
	v, err := time.ParseDuration(n.Value)
	switch {
	case err != nil && durationShape.MatchString(n.Value):
		return nil, fmt.Sprintf("%s is out of range; the longest duration is %v", quote(n.Value), time.Duration(math.MaxInt64))
	case err != nil:
		return nil, fmt.Sprintf("%s is not a duration; write it like 500ms, 5s or 1m30s", quote(n.Value))
	case !d.inRange(float64(v)):
		return nil, d.outOfRange(n)
	}
	return v, ""
}

// Plain numbers only: 010 is 8 to YAML and 10 to most people.
var (
	plainInteger = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)$`)
	plainFloat   = regexp.MustCompile(`^[+-]?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)
)

func (d *definition) scalarInteger(n *yaml.Node) (any, string) {
	tag, text := n.ShortTag(), strings.ReplaceAll(n.Value, "_", "")
	if tag != intTag && tag != floatTag { // a float may be an integer that is too long
		return nil, d.mismatch(n)
	}
	if !plainInteger.MatchString(text) {
		if tag == intTag {
			return nil, fmt.Sprintf("%.40s is not a plain number; write it with decimal digits, without leading zeros", n.Value)
		}
		return nil, d.mismatch(n)
	}
	v, err := strconv.ParseInt(text, 10, 64) // too long, it is the longest there is
	switch {
	case float64(v) > d.most():
		return nil, fmt.Sprintf("%.40s is out of range; it must be %d at most", n.Value, int64(d.most()))
	case err != nil || !d.inRange(float64(v)):
		return nil, d.outOfRange(n)
	}
	return int(v), ""
}

func (d *definition) scalarNumber(n *yaml.Node) (any, string) {
	tag, text := n.ShortTag(), strings.ReplaceAll(n.Value, "_", "")
	if tag != intTag && tag != floatTag {
		return nil, d.mismatch(n)
	}
	if !plainFloat.MatchString(text) {
		return nil, fmt.Sprintf("%.40s is not a plain finite number; write it with decimal digits", n.Value)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !d.inRange(v) {
		return nil, d.outOfRange(n)
	}
	return v, ""
}

func (d *definition) outOfRange(n *yaml.Node) string {
	hint := ""
	if d.removable {
		hint = ", or none"
	}
	return fmt.Sprintf("%.40s is out of range; it must be %s%s", n.Value, d.limits(), hint)
}

// describe names what stands in the wrong place.
func describe(n *yaml.Node) string {
	tag := n.ShortTag()
	switch {
	case n.Kind == yaml.MappingNode && tag == mapTag:
		return "a map"
	case n.Kind == yaml.SequenceNode && tag == listTag:
		return "a list"
	case n.Kind != yaml.ScalarNode:
		return fmt.Sprintf("something tagged %.40s", tag)
	case tag == nullTag:
		return "nothing"
	case tag == textTag:
		return quote(n.Value)
	case tag == intTag || tag == floatTag || tag == boolTag:
		return fmt.Sprintf("%.40s", n.Value)
	default:
		return fmt.Sprintf("%.40q (%.40s)", n.Value, tag)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == nullTag }
