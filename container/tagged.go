package container

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/needs"
	"go.uber.org/dig"
)

var typeOfIn = reflect.TypeFor[dig.In]()

// parameter is what a tagged constructor depends on beyond its own parameters.
type parameter struct {
	typ      reflect.Type
	policies []string
	need     string // "" for none
}

// orchestratorField is its first field after dig.In.
const orchestratorField = 1

// parameters remembers what was made: most tags name the same few policies, and
// nothing else in Tag takes as long as making a type.
var parameters = struct {
	sync.RWMutex
	known map[string]*parameter // by policies and need, quoted
}{known: make(map[string]*parameter)}

// parameterOf is the parameter that a tagged constructor gets: the orchestrator, and
// what it needs as named values, so that dig knows of them.
func (t *tag) parameterOf(p *plan) *parameter {
	policies, need := t.dependencies(make([]string, 0, 4), p), t.need(p)
	key := make([]byte, 0, 128)
	for _, name := range policies {
		key = strconv.AppendQuote(key, name)
	}
	key = append(key, need...)
	parameters.RLock()
	known, ok := parameters.known[string(key)]
	parameters.RUnlock()
	if ok {
		return known
	}
	fields := []reflect.StructField{
		{Name: "In", Type: typeOfIn, Anonymous: true},
		{Name: "Orchestrator", Type: reflect.TypeFor[*Orchestrator](), Tag: named(needs.Module)},
	}
	for i, name := range policies {
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Policy%d", i), Type: reflect.TypeFor[*Pipeline](), Tag: named(name)})
	}
	if need != "" {
		fields = append(fields, reflect.StructField{Name: "Need", Type: reflect.TypeFor[*needs.Registration](), Tag: named(need)})
	}
	made := &parameter{reflect.StructOf(fields), slices.Clone(policies), need}
	parameters.Lock()
	parameters.known[string(key)] = made
	parameters.Unlock()
	return made
}

func named(name string) reflect.StructTag { return reflect.StructTag(fmt.Sprintf("name:%q", name)) }

// forDig makes of the tagged constructor what dig's Provide takes. It needs nothing of
// clad but the orchestrator, and that it is given here: for dig to look up more for
// each would take it more than half as long as all else.
func (t *tag) forDig(o *Orchestrator) (any, []dig.ProvideOption, error) {
	results := t.results()
	fn := t.constructor.Make(nil, results, func(_, values []reflect.Value) ([]reflect.Value, error) {
		return t.provide(o, values)
	})
	return t.constructor.ForDig(fn, results)
}

// provide wraps what a tagged constructor returned.
func (t *tag) provide(o *Orchestrator, values []reflect.Value) ([]reflect.Value, error) {
	planned := t.planned
	if planned == nil {
		p := t.plan()
		if err := t.err(p); err != nil {
			return nil, err
		}
		planned = p.all()
	}
	own, extra := values[:len(t.provided)], values[len(t.provided):]
	mine, theirs := planned[:len(own)], planned[len(own):]
	n := 0
	for _, f := range t.fallbacks {
		for i := range f.tag.provided {
			v, err := o.provide(&f.tag, &f.tag.provided[i], &theirs[n], extra[n], nil)
			if err != nil {
				return nil, err
			}
			extra[n] = v
			n++
		}
	}
	for i := range own {
		v, err := o.provide(t, &t.provided[i], &mine[i], own[i], t.fallbackOf(i, extra))
		if err != nil {
			return nil, err
		}
		own[i] = v
	}
	return values, nil
}

// provide wraps one result as it is to be, each element of a flattened slice on
// its own.
func (o *Orchestrator) provide(t *tag, r *constructor.Result, planned *plannedResult, v reflect.Value, f *serviceFallback) (reflect.Value, error) {
	if planned.wrapper == nil {
		return convert(v, r.Type), nil
	}
	if !r.Flatten() {
		return o.wrap(t, r, planned, convert(v, r.Type), f)
	}
	wrapped := reflect.MakeSlice(r.Type, v.Len(), v.Len())
	for i := range v.Len() {
		element, err := o.wrap(t, r, planned, v.Index(i), f)
		if err != nil {
			return reflect.Value{}, err
		}
		wrapped.Index(i).Set(element)
	}
	return wrapped, nil
}

func (o *Orchestrator) wrap(t *tag, r *constructor.Result, planned *plannedResult, v reflect.Value, f *serviceFallback) (reflect.Value, error) {
	if v.IsZero() && v.Kind() != reflect.Struct {
		return v, nil // nil stays nil
	}
	s, err := o.newService(tagged{&planned.service, planned.policy, t.methods, &t.errors, &t.constructor, f, t.partition}, r.Name(), r.Group())
	if err != nil {
		return reflect.Value{}, err
	}
	wrapped := planned.wrapper.wrap(v, Methods{s})
	if err := s.checkFallback(); err != nil {
		return reflect.Value{}, fmt.Errorf("%w; %s", err, t.advice(r.Element()))
	}
	s.tellGuarded()
	if v.Kind() == reflect.Interface && !wrapped.IsNil() {
		s.tellHidden(planned.wrapper, v.Elem().Type(), wrapped.Elem().Type())
	}
	return wrapped, nil
}

// convert gives v the static type under which it is provided.
func convert(v reflect.Value, t reflect.Type) reflect.Value {
	if v.Type() == t {
		return v
	}
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return reflect.Zero(t) // a nil *T is no T
	}
	return v.Convert(t)
}
