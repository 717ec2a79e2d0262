package container

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
)

// NamedValues returns a constructor for fx.Provide and [Container.Provide] that
// takes *Orchestrator and provides everything that tagged constructors depend
// on, and all that has a name in the catalog under that name: policies as
// *Pipeline, breakers as *CircuitBreaker, limiters as *RateLimiter, bulkheads as
// *Bulkhead. Package
// module uses it; an app that uses that does not. Call it when the program runs,
// not in a package variable: it counts the proxies that are registered by then.
func NamedValues(c policy.Catalog) any {
	v := namedValues(c)
	for _, need := range needs.Met() {
		v.add(need, reflect.TypeFor[*needs.Registration](), func(*Orchestrator) any { return &needs.Registration{} })
	}
	return v.constructor()
}

// values are what a constructor provides, each under a name.
type values struct {
	fields []reflect.StructField
	find   []func(*Orchestrator) any
}

func namedValues(c policy.Catalog) *values {
	v := &values{fields: []reflect.StructField{{Name: "Out", Type: reflect.TypeFor[dig.Out](), Anonymous: true}}}
	v.add(needs.Module, reflect.TypeFor[*Orchestrator](), func(o *Orchestrator) any { return o })
	declared, _ := declarationsOf(c) // NewOrchestrator reports what is wrong with it
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		v.add(name, reflect.TypeFor[*Pipeline](), func(o *Orchestrator) any { p, _ := o.pipelineEver(name); return p })
	}
	for _, name := range slices.Sorted(maps.Keys(declared.breakers)) {
		v.add(name, reflect.TypeFor[*CircuitBreaker](), func(o *Orchestrator) any { b, _ := o.breakers.ever(name); return b })
	}
	for _, name := range slices.Sorted(maps.Keys(declared.limiters)) {
		v.add(name, reflect.TypeFor[*RateLimiter](), func(o *Orchestrator) any { l, _ := o.limiters.ever(name); return l })
	}
	for _, name := range slices.Sorted(maps.Keys(declared.bulkheads)) {
		v.add(name, reflect.TypeFor[*Bulkhead](), func(o *Orchestrator) any { b, _ := o.bulkheads.ever(name); return b })
	}
	return v
}

func (v *values) add(name string, t reflect.Type, find func(*Orchestrator) any) {
	v.fields = append(v.fields, reflect.StructField{Name: fmt.Sprintf("Value%d", len(v.find)), Type: t, Tag: named(name)})
	v.find = append(v.find, find)
}

// constructor returns a constructor of them. They are the fields of one struct: a
// function made at run time has few results at most.
func (v *values) constructor() any {
	out := reflect.StructOf(v.fields)
	t := reflect.FuncOf([]reflect.Type{reflect.TypeFor[*Orchestrator]()}, []reflect.Type{out}, false)
	fn := reflect.MakeFunc(t, func(args []reflect.Value) []reflect.Value {
		o := args[0].Interface().(*Orchestrator)
		o.mu.RLock()
		defer o.mu.RUnlock()
		provided := reflect.New(out).Elem()
		for i, find := range v.find {
			provided.Field(i + 1).Set(reflect.ValueOf(find(o))) // dig.Out comes first
		}
		return []reflect.Value{provided}
	})
	return constructor.As(fn, NamedValues)
}
