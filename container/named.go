package container

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// NamedValues returns a constructor for fx.Provide and [Container.Provide] that
// takes *Orchestrator and provides everything that has a name in the catalog
// under that name: policies as *Pipeline, breakers as *CircuitBreaker, limiters
// as *RateLimiter. Package module uses it; an app that uses that does not.
func NamedValues(c policy.Catalog) any {
	var out []reflect.Type
	var tags []string
	var find []func(*Orchestrator) any
	name := func(names []string, t reflect.Type, value func(o *Orchestrator, name string) any) {
		for _, n := range names {
			out = append(out, t)
			tags = append(tags, fmt.Sprintf("name:%q", n))
			find = append(find, func(o *Orchestrator) any { return value(o, n) })
		}
	}
	breakers, limiters := namesIn(c)
	name(slices.Sorted(maps.Keys(c.Policies)), reflect.TypeFor[*Pipeline](),
		func(o *Orchestrator, n string) any { return o.pipelines[n] })
	name(breakers, reflect.TypeFor[*CircuitBreaker](),
		func(o *Orchestrator, n string) any { b, _ := o.CircuitBreaker(n); return b })
	name(limiters, reflect.TypeFor[*RateLimiter](),
		func(o *Orchestrator, n string) any { l, _ := o.RateLimiter(n); return l })
	if len(out) == 0 { // dig refuses a constructor that provides nothing
		name([]string{"clad"}, reflect.TypeFor[*nothing](), func(*Orchestrator, string) any { return &nothing{} })
	}
	t := reflect.FuncOf([]reflect.Type{reflect.TypeFor[*Orchestrator]()}, out, false)
	fn := reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		o := args[0].Interface().(*Orchestrator)
		values := make([]reflect.Value, len(find))
		for i, value := range find {
			values[i] = reflect.ValueOf(value(o))
		}
		return values
	})
	src := locate(source{fn: fn}, reflect.ValueOf(NamedValues).Pointer())
	return annotateAs(fn, src, "container.NamedValues", fx.ResultTags(tags...))
}

// nothing stands in for the values of a catalog without names.
type nothing struct{}

// namesIn lists the breakers and limiters of a catalog: those of its own, and
// those that a policy both names and describes.
func namesIn(c policy.Catalog) (breakers, limiters []string) {
	breakers = slices.Collect(maps.Keys(c.CircuitBreakers))
	limiters = slices.Collect(maps.Keys(c.RateLimiters))
	for _, p := range c.Policies {
		for _, layer := range policy.Layers(p) {
			switch layer := layer.(type) {
			case policy.CircuitBreaker:
				if layer.Name != "" && !layer.IsReference() {
					breakers = append(breakers, layer.Name)
				}
			case policy.RateLimit:
				if layer.Name != "" && !layer.IsReference() {
					limiters = append(limiters, layer.Name)
				}
			}
		}
	}
	slices.Sort(breakers)
	slices.Sort(limiters)
	return slices.Compact(breakers), slices.Compact(limiters)
}
