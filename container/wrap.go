package container

import (
	"reflect"
	"slices"
)

// wrapper wraps the values of one type.
type wrapper struct {
	methods []string // for which a profile or a tag may choose a policy
	wrap    func(v reflect.Value, m Methods) reflect.Value

	offers   []reflect.Type // interfaces that a proxy has whenever the value does
	asserted []reflect.Type // what the program asserts the value to, offered or not
}

// or returns the wrapper that serves where two are registered for a type: the
// first, unless the other offers all that it offers and more. What the program
// asserts adds up.
func (w *wrapper) or(other *wrapper) *wrapper {
	better := *w
	if len(other.offers) > len(w.offers) && !slices.ContainsFunc(w.offers, func(t reflect.Type) bool { return !slices.Contains(other.offers, t) }) {
		better = *other
	}
	better.asserted = slices.Concat(w.asserted, other.asserted)
	return &better
}

// wrapperOf finds how values of a type are wrapped: by what is registered for
// it so far, else by its kind; nil if they are not.
func wrapperOf(t reflect.Type) *wrapper {
	if p, ok := proxyOf(t); ok {
		return p
	}
	switch {
	case guardable(t):
		return &wrapper{wrap: func(v reflect.Value, m Methods) reflect.Value { return wrapFunc(v, m, "", m.fallbackValue()) }}
	case guardableStruct(t):
		return &wrapper{methods: guardableNames(t), wrap: wrapStruct}
	case t.Kind() == reflect.Pointer && guardableStruct(t.Elem()):
		return &wrapper{methods: guardableNames(t), wrap: func(v reflect.Value, m Methods) reflect.Value {
			p := reflect.New(t.Elem())
			p.Elem().Set(wrapStruct(v.Elem(), m))
			return p
		}}
	}
	return nil
}

// mayBeWrapped reports whether somebody may yet register a wrapper for a type:
// one that a package declares.
func mayBeWrapped(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() != ""
}

// keeps reports whether what stands for a T has the methods of another interface
// whenever the value has.
func (w *wrapper) keeps(t, other reflect.Type) bool {
	if t.Implements(other) {
		return true
	}
	for _, offered := range w.offers {
		if offered.Implements(other) {
			return true
		}
	}
	return false
}

// adapters says of types that everybody has which package knows how to wrap them.
var adapters = map[string]string{
	"http.RoundTripper":        `import _ "github.com/cladgo/clad/container/cladhttp"`,
	"*http.Client":             `import _ "github.com/cladgo/clad/container/cladhttp"`,
	"driver.Connector":         `import _ "github.com/cladgo/clad/container/cladsql"`,
	"*sql.DB":                  `tag the constructor of its driver.Connector, import _ "github.com/cladgo/clad/container/cladsql", and provide sql.OpenDB`,
	"grpc.ClientConnInterface": `import _ "github.com/cladgo/clad/container/cladgrpc"`,
	"*redis.Client":            `import _ "github.com/cladgo/clad/container/cladredis"`,
	"*redis.ClusterClient":     `import _ "github.com/cladgo/clad/container/cladredis"`,
	"*pgxpool.Pool":            `tag it with container.As[cladpgx.DB](), of "github.com/cladgo/clad/container/cladpgx", and have users take that`,
	"*pgx.Conn":                `tag it with container.As[cladpgx.DB](), of "github.com/cladgo/clad/container/cladpgx", and have users take that`,
	"redis.UniversalClient":    `import _ "github.com/cladgo/clad/container/cladredis"`,
}
