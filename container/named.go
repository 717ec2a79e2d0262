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
	declared, _ := declarationsOf(c) // NewOrchestrator reports what is wrong with it
	name(slices.Sorted(maps.Keys(c.Policies)), reflect.TypeFor[*Pipeline](),
		func(o *Orchestrator, n string) any { p, _ := o.pipelineEver(n); return p })
	name(slices.Sorted(maps.Keys(declared.breakers)), reflect.TypeFor[*CircuitBreaker](),
		func(o *Orchestrator, n string) any { b, _ := o.breakers.ever(n); return b })
	name(slices.Sorted(maps.Keys(declared.limiters)), reflect.TypeFor[*RateLimiter](),
		func(o *Orchestrator, n string) any { l, _ := o.limiters.ever(n); return l })
	if len(out) == 0 { // dig refuses a constructor that provides nothing
		name([]string{"clad"}, reflect.TypeFor[*nothing](), func(*Orchestrator, string) any { return &nothing{} })
	}
	t := reflect.FuncOf([]reflect.Type{reflect.TypeFor[*Orchestrator]()}, out, false)
	fn := reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		o := args[0].Interface().(*Orchestrator)
		o.mu.RLock()
		defer o.mu.RUnlock()
		values := make([]reflect.Value, len(find))
		for i, value := range find {
			values[i] = reflect.ValueOf(value(o))
		}
		return values
	})
	src := locate(source{fn: fn, pc: reflect.ValueOf(NamedValues).Pointer()})
	return annotateAs(fn, src, "container.NamedValues", fx.ResultTags(tags...))
}

// nothing stands in for the values of a catalog without names.
type nothing struct{}
