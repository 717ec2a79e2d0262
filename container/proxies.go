package container

import (
	"reflect"
	"sync"
)

// RegisterProxy says how values of interface type T are wrapped: make returns a
// T that calls next under the pipelines that m hands out. Generated code calls
// it at init, for every interface that a package tags; a hand-written proxy may
// too. The first proxy of a type stays: two packages that tag the same
// interface both bring one.
func RegisterProxy[T any](make func(next T, m Methods) T) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Interface {
		panic("container.RegisterProxy: " + t.String() + " is not an interface; use RegisterWrapper for other types")
	}
	register(t, guardableNames(t), make)
}

// RegisterWrapper is RegisterProxy for types that are no interfaces, like
// *http.Client: wrap returns a value in the place of next, which stays as it
// is. The methods are those for which a profile or a [Method] option may choose
// a policy; wrap asks m for no others.
func RegisterWrapper[T any](wrap func(next T, m Methods) T, methods ...string) {
	register(reflect.TypeFor[T](), methods, wrap)
}

func register[T any](t reflect.Type, methods []string, wrap func(next T, m Methods) T) {
	proxies.LoadOrStore(t, &wrapper{methods, func(next reflect.Value, m Methods) reflect.Value {
		wrapped := wrap(next.Interface().(T), m)
		return reflect.ValueOf(&wrapped).Elem() // keeps the static type T
	}})
}

// proxies is filled at init by generated code and only read afterwards.
var proxies sync.Map // reflect.Type -> *wrapper

func proxyOf(t reflect.Type) (*wrapper, bool) {
	p, ok := proxies.Load(t)
	if !ok {
		return nil, false
	}
	return p.(*wrapper), true
}

// Methods hands a proxy the pipelines of its service's methods. Each is asked
// for once, when the proxy is made.
type Methods struct{ service *service }

// Method returns the pipeline of a method: one with a context and a last result
// of type error, which is fully guarded.
func (m Methods) Method(name string) *Pipeline { return m.service.pipeline(name, guarded) }

// Once is Method for what is not safe to repeat: it is never attempted again
// once it may have reached the dependency, unless the profile chooses a policy
// for the method.
func (m Methods) Once(name string) *Pipeline { return m.service.pipeline(name, once) }

// Single is Method for what uses up what it is given: there is one attempt that
// reaches the dependency, whatever policy is chosen.
func (m Methods) Single(name string) *Pipeline { return m.service.pipeline(name, single) }

// Rewinds is Method for what reads what it is given: there is a further attempt
// only where that can be read again. The proxy sees to it, by an [Input] or by
// [ReadOnce].
func (m Methods) Rewinds(name string) *Pipeline { return m.service.pipeline(name, rewinds) }

// Safe is Method for what is safe to repeat, even where an attempt had its effect.
func (m Methods) Safe(name string) *Pipeline { return m.service.pipeline(name, safe) }

// Optional is Method for what is passed through unless the profile or a
// [Method] option chooses a policy for it: Close and the like.
func (m Methods) Optional(name string) *Pipeline { return m.service.pipeline(name, optional) }

// WithoutContext is Method for one that takes no context: it is guarded with
// the background's, and no timeout can be enforced. That is logged once.
func (m Methods) WithoutContext(name string) *Pipeline {
	return m.service.pipeline(name, withoutContext)
}

// Unguarded notes a method that can't be guarded, and why: it has no error to
// judge by. That is logged once.
func (m Methods) Unguarded(name, reason string) { m.service.unguarded(name, reason) }
