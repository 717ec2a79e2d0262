package bench

import (
	"context"
	"sync"

	"github.com/cladgo/clad/container"
	"go.uber.org/dig"
)

// A service of its own type for each T, as the services of an application are.
type service[T any] interface {
	Charge(ctx context.Context, amount int) (int, error)
	of(T)
}

type realService[T any] struct{ Target }

func (*realService[T]) of(T) {}

// serviceProxy has the form that `clad gen` gives to proxies.
type serviceProxy[T any] struct {
	next   service[T]
	charge *container.Pipeline
}

func (p *serviceProxy[T]) Charge(ctx context.Context, amount int) (receipt int, err error) {
	if p.charge.Direct() {
		return p.next.Charge(ctx, amount)
	}
	call := p.charge.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		receipt, err = p.next.Charge(call.Context(), amount)
	}
	return receipt, err
}

func (*serviceProxy[T]) of(T) {}

// serviceList holds constructors of services, and functions that need one each.
type serviceList struct {
	constructors, uses []any
	declaring          []any // constructors that declare what a tag declares
	wrapped            int   // services that were seen by uses and were proxies
}

// declaration is what a tag makes a constructor depend on.
type declaration struct {
	dig.In
	Orchestrator *container.Orchestrator
	Policy       *container.Pipeline `name:"benchmarked"`
}

// thousandServices makes a thousand types out of ten digits. They are pointers, so
// that one function serves them all, and of arrays, so that their names are about as
// long as services' names are: service[*[3]*[2]*[1]struct {}].
var thousandServices = sync.OnceValue(func() *serviceList {
	var l serviceList
	addHundred[*[0]struct{}](&l)
	addHundred[*[1]struct{}](&l)
	addHundred[*[2]struct{}](&l)
	addHundred[*[3]struct{}](&l)
	addHundred[*[4]struct{}](&l)
	addHundred[*[5]struct{}](&l)
	addHundred[*[6]struct{}](&l)
	addHundred[*[7]struct{}](&l)
	addHundred[*[8]struct{}](&l)
	addHundred[*[9]struct{}](&l)
	return &l
})

func addHundred[T any](l *serviceList) {
	addTen[*[0]T](l)
	addTen[*[1]T](l)
	addTen[*[2]T](l)
	addTen[*[3]T](l)
	addTen[*[4]T](l)
	addTen[*[5]T](l)
	addTen[*[6]T](l)
	addTen[*[7]T](l)
	addTen[*[8]T](l)
	addTen[*[9]T](l)
}

func addTen[T any](l *serviceList) {
	addService[*[0]T](l)
	addService[*[1]T](l)
	addService[*[2]T](l)
	addService[*[3]T](l)
	addService[*[4]T](l)
	addService[*[5]T](l)
	addService[*[6]T](l)
	addService[*[7]T](l)
	addService[*[8]T](l)
	addService[*[9]T](l)
}

func addService[T any](l *serviceList) {
	container.RegisterProxy(func(next service[T], m container.Methods) service[T] {
		return &serviceProxy[T]{next, m.Method("Charge")}
	})
	l.constructors = append(l.constructors, func() (service[T], error) { return &realService[T]{}, nil })
	l.declaring = append(l.declaring, func(declaration) (service[T], error) { return &realService[T]{}, nil })
	l.uses = append(l.uses, func(s service[T]) {
		if _, ok := s.(*serviceProxy[T]); ok {
			l.wrapped++
		}
	})
}
