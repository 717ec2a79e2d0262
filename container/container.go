package container

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cladgo/clad/internal/constructor"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/policy"
	"go.uber.org/dig"
)

// Container is a dig container whose tagged constructors come out wrapped, for
// those who do not use Fx. Like dig's, it is to be filled and used from one
// goroutine; what it provides is safe for many.
type Container struct {
	dig          *dig.Container
	orchestrator *Orchestrator
	catalog      policy.Catalog // whose names are provided
	needs        []string       // of tagged constructors, and not yet seen to be met
}

// New makes a container of what a profile says. It provides *Orchestrator, the
// same as policy.Orchestrator, and each policy, breaker, limiter and
// bulkhead as *Pipeline, *CircuitBreaker, *RateLimiter and *Bulkhead under its name.
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
	container := &Container{dig: d, orchestrator: o, catalog: o.catalog}
	if err := d.Provide(func() (*Orchestrator, policy.Orchestrator) { return o, o }); err != nil {
		return nil, err
	}
	if err := container.Provide(namedValues(c).constructor()); err != nil {
		return nil, err
	}
	return container, nil
}

// Orchestrator returns the container's orchestrator.
func (c *Container) Orchestrator() *Orchestrator { return c.orchestrator }

// Provide takes constructors as dig's does, and tagged and annotated ones. A tag
// that names a policy which the catalog does not have is an error. A tagged
// service goes by a name or group that fx.Annotate or fx.Annotated gave it before;
// of dig.Name and dig.Group its tag does not know.
func (c *Container) Provide(ctor any, opts ...dig.ProvideOption) error {
	t, ok := constructor.Carried(ctor).(*tag)
	if !ok {
		fn, more, err := constructor.ForDig(ctor)
		if err != nil {
			return err
		}
		return c.dig.Provide(fn, append(opts, more...)...)
	}
	var errs []error
	for _, name := range t.parameter.policies {
		if _, err := choice(c.catalog, name); err != nil {
			errs = append(errs, fmt.Errorf("%v: %w", constructor.Describe(ctor), err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fn, more, err := t.forDig(c.orchestrator)
	if err != nil {
		return err
	}
	if err := c.dig.Provide(fn, append(opts, more...)...); err != nil {
		return err
	}
	if need := t.parameter.need; need != "" && !slices.Contains(c.needs, need) {
		c.needs = append(c.needs, need)
	}
	return nil
}

// Invoke runs fn with what it asks for, as dig's does. It fails if anything is
// missing that a tagged constructor needs, whether or not fn needs that: an
// interface's proxy, say.
func (c *Container) Invoke(fn any, opts ...dig.InvokeOption) error {
	if err := c.settle(); err != nil {
		return err
	}
	return c.dig.Invoke(fn, opts...)
}

// settle looks for what tagged constructors need that was not registered when they
// were tagged.
func (c *Container) settle() error {
	var errs []error
	c.needs = slices.DeleteFunc(c.needs, func(name string) bool {
		need, _ := needs.Find(name)
		err := need.Unmet()
		errs = append(errs, err)
		return err == nil
	})
	return errors.Join(errs...)
}
