package container

import (
	"reflect"
	"sync"

	"github.com/cladgo/clad/internal/needs"
)

// RegisterProxy says how values of interface type T are wrapped: make returns a
// T that calls next under the pipelines that m hands out. Generated code calls
// it at init, for every interface that a package tags; a hand-written proxy may
// too. The first proxy of a type stays, unless a later one offers all that it
// offers and more: two packages that tag the same interface both bring one.
func RegisterProxy[T any](make func(next T, m Methods) T) {
	RegisterProxyWith(make)
}

// RegisterProxyWith is RegisterProxy for a proxy of which there is more to say:
// what it offers beyond T, and what the program asserts a T to.
func RegisterProxyWith[T any](make func(next T, m Methods) T, opts ...ProxyOption) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Interface {
		panic("container.RegisterProxy: " + t.String() + " is not an interface; use RegisterWrapper for other types")
	}
	var p proxyOptions
	for _, opt := range opts {
		opt.applyProxy(&p)
	}
	methods := guardableNames(t)
	for _, offered := range p.offers {
		methods = append(methods, guardableNames(offered)...)
	}
	w := newWrapper(methods, make)
	w.offers = p.offers
	w.asserted = p.asserted
	register(t, w)
}

// ProxyOption says more of a proxy, for [RegisterProxyWith].
type ProxyOption interface{ applyProxy(*proxyOptions) }

type proxyOptions struct{ offers, asserted []reflect.Type }

type proxyOption func(*proxyOptions)

func (f proxyOption) applyProxy(p *proxyOptions) { f(p) }

// Offers says that a proxy has the methods of interface T exactly when the value
// behind it has them.
func Offers[T any]() ProxyOption {
	return proxyOption(func(p *proxyOptions) { p.offers = append(p.offers, reflect.TypeFor[T]()) })
}

// Asserted says that the program asserts what the proxy stands for to interface
// T. A proxy that hides it is warned of when the application starts.
func Asserted[T any]() ProxyOption {
	return proxyOption(func(p *proxyOptions) { p.asserted = append(p.asserted, reflect.TypeFor[T]()) })
}

// RegisterWrapper is RegisterProxy for types that are no interfaces, like
// *http.Client: wrap returns a value in the place of next, which stays as it
// is. The methods are those for which a profile or a [Method] option may choose
// a policy; wrap asks m for no others.
func RegisterWrapper[T any](wrap func(next T, m Methods) T, methods ...string) {
	register(reflect.TypeFor[T](), newWrapper(methods, wrap))
}

func newWrapper[T any](methods []string, wrap func(next T, m Methods) T) *wrapper {
	return &wrapper{methods: methods, wrap: func(next reflect.Value, m Methods) reflect.Value {
		wrapped := wrap(next.Interface().(T), m)
		return reflect.ValueOf(&wrapped).Elem() // keeps the static type T
	}}
}

// proxies is filled at init by generated code and only read afterwards.
var proxies struct {
	sync.Mutex          // held to fill it
	all        sync.Map // reflect.Type -> *wrapper
}

func register(t reflect.Type, w *wrapper) {
	proxies.Lock()
	if known, ok := proxyOf(t); ok {
		w = known.or(w)
	}
	proxies.all.Store(t, w)
	proxies.Unlock()
	needs.Registered()
}

func proxyOf(t reflect.Type) (*wrapper, bool) {
	p, ok := proxies.all.Load(t)
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

// Hedges is Safe for what may be attempted twice at once: the proxy asks [Call.Hedge]
// before each attempt. A call that must not be hedged after all begins by
// [Pipeline.BeginAlone].
func (m Methods) Hedges(name string) *Pipeline { return m.service.pipeline(name, hedges) }

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
