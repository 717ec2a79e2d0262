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

// thousandServices makes a thousand types out of ten digits.
var thousandServices = sync.OnceValue(func() *serviceList {
	var l serviceList
	addHundred[d0](&l)
	addHundred[d1](&l)
	addHundred[d2](&l)
	addHundred[d3](&l)
	addHundred[d4](&l)
	addHundred[d5](&l)
	addHundred[d6](&l)
	addHundred[d7](&l)
	addHundred[d8](&l)
	addHundred[d9](&l)
	return &l
})

type (
	d0 struct{}
	d1 struct{}
	d2 struct{}
	d3 struct{}
	d4 struct{}
	d5 struct{}
	d6 struct{}
	d7 struct{}
	d8 struct{}
	d9 struct{}

	pair[A, B any] struct{}
)

func addHundred[T any](l *serviceList) {
	addTen[pair[T, d0]](l)
	addTen[pair[T, d1]](l)
	addTen[pair[T, d2]](l)
	addTen[pair[T, d3]](l)
	addTen[pair[T, d4]](l)
	addTen[pair[T, d5]](l)
	addTen[pair[T, d6]](l)
	addTen[pair[T, d7]](l)
	addTen[pair[T, d8]](l)
	addTen[pair[T, d9]](l)
}

func addTen[T any](l *serviceList) {
	addService[pair[T, d0]](l)
	addService[pair[T, d1]](l)
	addService[pair[T, d2]](l)
	addService[pair[T, d3]](l)
	addService[pair[T, d4]](l)
	addService[pair[T, d5]](l)
	addService[pair[T, d6]](l)
	addService[pair[T, d7]](l)
	addService[pair[T, d8]](l)
	addService[pair[T, d9]](l)
}

func addService[T any](l *serviceList) {
	container.RegisterProxy(func(next service[T], m container.Methods) service[T] {
		return &serviceProxy[T]{next, m.Method("Charge")}
	})
	l.constructors = append(l.constructors, func() service[T] { return &realService[T]{} })
	l.declaring = append(l.declaring, func(declaration) (service[T], error) { return &realService[T]{}, nil })
	l.uses = append(l.uses, func(s service[T]) {
		if _, ok := s.(*serviceProxy[T]); ok {
			l.wrapped++
		}
	})
}
