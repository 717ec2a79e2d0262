package container

import (
	"fmt"
	"reflect"
	"strconv"
	"sync"

	"go.uber.org/dig"
)

// wrapper wraps the values of one type.
type wrapper struct {
	methods []string // for which a profile or a tag may choose a policy
	wrap    func(v reflect.Value, m Methods) reflect.Value
}

// wrapperOf finds how values of a type are wrapped: nil if they are not to be,
// an error if they should be and cannot.
func wrapperOf(t reflect.Type) (*wrapper, error) {
	if p, ok := proxyOf(t); ok {
		return p, nil
	}
	if advice, ok := adapters[t.String()]; ok {
		return nil, fmt.Errorf("nothing registered wraps %v: %s", t, advice)
	}
	switch {
	case t.Kind() == reflect.Interface:
		return nil, fmt.Errorf("no proxy for the interface %v is registered; `clad gen` makes one: put //go:generate go tool clad gen in this package and run go generate (or clad gen -type %s)", t, typeArgument(t))
	case guardable(t):
		return &wrapper{wrap: func(v reflect.Value, m Methods) reflect.Value { return wrapFunc(v, m.Method("")) }}, nil
	case guardableStruct(t):
		return &wrapper{guardableNames(t), wrapStruct}, nil
	case t.Kind() == reflect.Pointer && guardableStruct(t.Elem()):
		return &wrapper{guardableNames(t), func(v reflect.Value, m Methods) reflect.Value {
			p := reflect.New(t.Elem())
			p.Elem().Set(wrapStruct(v.Elem(), m))
			return p
		}}, nil
	}
	return nil, nil
}

// adapters says of types that everybody has which package knows how to wrap them.
var adapters = map[string]string{
	"http.RoundTripper":        `import _ "github.com/cladgo/clad/container/cladhttp"`,
	"*http.Client":             `import _ "github.com/cladgo/clad/container/cladhttp"`,
	"driver.Connector":         `import _ "github.com/cladgo/clad/container/cladsql"`,
	"*sql.DB":                  `tag the constructor of its driver.Connector, import _ "github.com/cladgo/clad/container/cladsql", and provide sql.OpenDB`,
	"grpc.ClientConnInterface": `import _ "github.com/cladgo/clad/container/cladgrpc"`,
}

func typeArgument(t reflect.Type) string {
	if t.PkgPath() == "" {
		return t.String()
	}
	return t.PkgPath() + "." + t.Name()
}

var typeOfIn = reflect.TypeFor[dig.In]()

// constructor makes the function that dig calls in place of the user's: the same
// parameters and one more, the same results flattened, and an error.
func constructor(src source, results []result, methods map[string]string, policies []string) reflect.Value {
	t := src.fn.Type()
	in, out := make([]reflect.Type, 0, t.NumIn()+1), make([]reflect.Type, 0, len(results)+1)
	for i := range t.NumIn() {
		in = append(in, t.In(i))
	}
	if t.IsVariadic() {
		in = in[:len(in)-1] // dig never fills it
	}
	own := len(in)
	in = append(in, dependencies(policies))
	for _, r := range results {
		out = append(out, r.typ)
	}
	out = append(out, typeOfError)
	return reflect.MakeFunc(reflect.FuncOf(in, out, false), func(args []reflect.Value) []reflect.Value {
		values := src.fn.Call(args[:own])
		if n := len(values); n > 0 && t.Out(n-1) == typeOfError && !values[n-1].IsNil() {
			return failed(results, values[n-1])
		}
		o := args[own].Field(orchestratorField).Interface().(*Orchestrator)
		provided := make([]reflect.Value, 0, len(results)+1)
		for i := range results {
			v, err := o.provide(&results[i], results[i].of(values), methods)
			if err != nil {
				err = fmt.Errorf("%s at %s: %w", src.name, src.at, err)
				return failed(results, reflect.ValueOf(&err).Elem())
			}
			provided = append(provided, v)
		}
		return append(provided, reflect.Zero(typeOfError))
	})
}

// failed is what a constructor returns with an error: nothing of what it provides.
func failed(results []result, err reflect.Value) []reflect.Value {
	provided := make([]reflect.Value, 0, len(results)+1)
	for _, r := range results {
		provided = append(provided, reflect.Zero(r.typ))
	}
	return append(provided, err)
}

// orchestratorField is the first field of the added parameter after dig.In.
const orchestratorField = 1

// parameters remembers what dependencies makes: most tags name the same few
// policies, and nothing else in Tag takes as long as making a type.
var parameters sync.Map // policies, quoted -> reflect.Type

// dependencies is the parameter that a tagged constructor gets: the orchestrator
// and its policies, as named values, so that dig knows of them.
func dependencies(policies []string) reflect.Type {
	var quoted []byte
	for _, name := range policies {
		quoted = strconv.AppendQuote(quoted, name)
	}
	key := string(quoted)
	if t, ok := parameters.Load(key); ok {
		return t.(reflect.Type)
	}
	fields := []reflect.StructField{
		{Name: "In", Type: typeOfIn, Anonymous: true},
		{Name: "Orchestrator", Type: reflect.TypeFor[*Orchestrator]()},
	}
	for i, name := range policies {
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("Policy%d", i),
			Type: reflect.TypeFor[*Pipeline](),
			Tag:  reflect.StructTag(fmt.Sprintf("name:%q", name)),
		})
	}
	t := reflect.StructOf(fields)
	parameters.Store(key, t)
	return t
}

// provide wraps one result as it is to be, each element of a flattened slice on
// its own.
func (o *Orchestrator) provide(r *result, v reflect.Value, methods map[string]string) (reflect.Value, error) {
	if r.wrapper == nil {
		return convert(v, r.typ), nil
	}
	if !r.flatten {
		return o.wrap(r, convert(v, r.typ), methods)
	}
	wrapped := reflect.MakeSlice(r.typ, v.Len(), v.Len())
	for i := range v.Len() {
		element, err := o.wrap(r, v.Index(i), methods)
		if err != nil {
			return reflect.Value{}, err
		}
		wrapped.Index(i).Set(element)
	}
	return wrapped, nil
}

func (o *Orchestrator) wrap(r *result, v reflect.Value, methods map[string]string) (reflect.Value, error) {
	if v.IsZero() && v.Kind() != reflect.Struct {
		return v, nil // nil stays nil
	}
	s, err := o.newService(r.service, r.policy, methods)
	if err != nil {
		return reflect.Value{}, err
	}
	return r.wrapper.wrap(v, Methods{s}), nil
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
