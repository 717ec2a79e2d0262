package module

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/cladgo/clad/internal/constructor"
)

// bare is a value without policies in the place of a tagged one.
type bare struct {
	service     provided
	constructor *node  // the tagged one
	what, at    string // what put it there, and where
}

func (b bare) Error() string {
	return fmt.Sprintf("clad: %s at %s puts a bare value in the place of the %s that %q.%s provides, which is tagged: nothing guards it; if that is meant, have a function of fx.Decorate take the one that it replaces",
		b.what, b.at, b.service.typ, b.constructor.pkg, b.constructor.name)
}

func (b bare) message() string {
	return "a tagged service is replaced by a bare value, which nothing guards"
}

// bare finds what fx.Replace puts in the place of tagged values, and what
// fx.Decorate does without looking at them: a decorator that takes the value is
// taken to go around it.
func (g graph) bare(decorators []constructor.Decorator) []bare {
	var found []bare
	for _, d := range decorators {
		for _, key := range d.Gives {
			if slices.Contains(d.Takes, key) {
				continue
			}
			for _, c := range g {
				if !c.isTagged() {
					continue
				}
				for _, p := range c.provides {
					if p == keyOf(key) {
						found = append(found, bare{p, c, d.What, d.At})
					}
				}
			}
		}
	}
	return found
}

// keyOf says what the graph calls a key. Groups are decorated as slices.
func keyOf(key constructor.Key) provided {
	t := key.Type
	if key.Group != "" && t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return provided{t.String(), key.Name, key.Group}
}
