package policy

import (
	"errors"
	"strings"
)

// Policy says how calls to a dependency are protected. The set is closed:
// [None], [Retry], [CircuitBreaker], [RateLimit], [Bulkhead], [Timeout], [Errors], and
// what [Combine] makes of them. A Policy is a plain value: it holds no state and may be shared
// by any number of goroutines.
type Policy interface {
	// String shows the policy on one line, outermost layer first.
	String() string

	// Validate reports every setting that no pipeline could honour, or nil.
	Validate() error

	// layers appends the policy's layers to dst, outermost first. It seals
	// the interface.
	layers(dst []Policy) []Policy
}

// None asks for no protection: the call goes straight through.
type None struct{}

func (None) String() string { return "none" }

// Validate returns nil.
func (None) Validate() error              { return nil }
func (None) layers(dst []Policy) []Policy { return dst }

// combined is what Combine makes of two layers or more: flat, outermost first.
// A few find room in it, because an operation may build its policy at each call.
type combined struct {
	list []Policy
	few  [4]Policy
}

// Combine nests layers: the first is the outermost. The same kind may stand
// more than once (a timeout of the whole outside, one of each attempt inside).
// Nested Combines flatten, [None] and nil drop out; what is left of nothing is
// None, and of a single layer that layer itself.
func Combine(layers ...Policy) Policy {
	c := &combined{}
	c.list = c.few[:0]
	for _, p := range layers {
		if p != nil {
			c.list = p.layers(c.list)
		}
	}
	switch len(c.list) {
	case 0:
		return None{}
	case 1:
		return c.list[0]
	default:
		return c
	}
}

// Layers lists the layers of p, outermost first: none for [None] and nil, one
// for a single layer. The slice is the caller's own.
func Layers(p Policy) []Policy {
	if p == nil {
		return nil
	}
	return p.layers(nil)
}

func (c *combined) String() string {
	parts := make([]string, len(c.list))
	for i, p := range c.list {
		parts[i] = p.String()
	}
	return strings.Join(parts, " > ")
}

func (c *combined) Validate() error {
	var errs []error
	for _, p := range c.list {
		if err := p.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (c *combined) layers(dst []Policy) []Policy { return append(dst, c.list...) }

// settings writes "kind(a, b)" with the settings that are there.
func settings(kind string, parts ...string) string {
	kept := parts[:0]
	for _, part := range parts {
		if part != "" {
			kept = append(kept, part)
		}
	}
	return kind + "(" + strings.Join(kept, ", ") + ")"
}
