package container

import (
	"reflect"

	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
)

// Container is a dig container whose tagged constructors come out wrapped, for
// those who do not use Fx. Like dig's, it is to be filled and used from one
// goroutine; what it provides is safe for many.
type Container struct {
	dig          *dig.Container
	orchestrator *Orchestrator
}

// New makes a container of what a profile says. It provides *Orchestrator, the
// same as policy.Orchestrator, and each policy, breaker and limiter as
// *Pipeline, *CircuitBreaker and *RateLimiter under its name.
//
// A cycle among the constructors is reported by the first Invoke, as in Fx. To
// look for one at every Provide, which takes ever longer the more there are,
// give a dig container of your own to [NewIn].
func New(c policy.Catalog, opts ...Option) (*Container, error) {
	return NewIn(dig.New(dig.DeferAcyclicVerification()), c, opts...)
}

// NewIn is New for a dig container that is there already. Tagged constructors go
// in by [Container.Provide], others by either's. When cycles are reported is that
// container's choice.
func NewIn(d *dig.Container, c policy.Catalog, opts ...Option) (*Container, error) {
	o, err := NewOrchestrator(c, opts...)
	if err != nil {
		return nil, err
	}
	container := &Container{dig: d, orchestrator: o}
	if err := d.Provide(func() (*Orchestrator, policy.Orchestrator) { return o, o }); err != nil {
		return nil, err
	}
	if err := container.Provide(NamedValues(c)); err != nil {
		return nil, err
	}
	return container, nil
}

// Orchestrator returns the container's orchestrator.
func (c *Container) Orchestrator() *Orchestrator { return c.orchestrator }

// Provide takes constructors as dig's does, and tagged and annotated ones.
func (c *Container) Provide(ctor any, opts ...dig.ProvideOption) error {
	switch v := reflect.ValueOf(ctor); {
	case !v.IsValid():
	case v.Type() == typeOfAnnotationError:
		refused := reflect.New(typeOfAnnotationError)
		refused.Elem().Set(v)
		if err, ok := reflect.TypeAssert[error](refused); ok {
			return err
		}
	case v.Type() == typeOfAnnotated:
		src, err := buildAnnotated(v)
		if err != nil {
			return err
		}
		if !src.broken {
			return c.dig.Provide(src.fn.Interface(), append(opts, dig.LocationForPC(src.pc))...)
		}
	}
	return c.dig.Provide(ctor, opts...)
}

// Invoke runs fn with what it asks for, as dig's does.
func (c *Container) Invoke(fn any, opts ...dig.InvokeOption) error {
	return c.dig.Invoke(fn, opts...)
}
