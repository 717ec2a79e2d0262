package bench

import (
	"fmt"
	"reflect"
	"runtime"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// Startup compares starting an application whose services are tagged with
// starting the same without tags.
type Startup struct {
	Engine   string        `json:"engine"` // "Fx" or "dig"
	Services int           `json:"services"`
	Untagged time.Duration `json:"untagged"`
	Tagged   time.Duration `json:"tagged"`
}

// MeasureStartup starts an application of 1,000 services once without tags and
// once with, on each engine. Both are started with an orchestrator, on dig in
// clad's container, so that the tags are all that differs. Every service has a
// type of its own and is resolved.
func MeasureStartup() ([]Startup, error) {
	all := thousandServices()
	var measured []Startup
	for _, engine := range []struct {
		name  string
		start func(s *serviceList, tag bool) (app any, err error)
	}{{"Fx", startFx}, {"dig", startDig}} {
		s := Startup{Engine: engine.name, Services: len(all.constructors)}
		for _, tag := range []bool{false, true} {
			runtime.GC() // what the last one left is not for this one to clear
			start := time.Now()
			if _, err := engine.start(all, tag); err != nil {
				return nil, fmt.Errorf("starting on %s, tagged %v: %w", engine.name, tag, err)
			}
			if took := time.Since(start); tag {
				s.Tagged = took
			} else {
				s.Untagged = took
			}
		}
		measured = append(measured, s)
	}
	return measured, nil
}

func startupCatalog() policy.Catalog {
	s := settings()
	s.Retry, s.RateLimit, s.Breaker, s.Timeout = true, true, true, true
	return policy.Catalog{Policies: map[string]policy.Policy{policyName: s.Policy()}}
}

func (l *serviceList) provided(tagged bool) []any {
	constructors := make([]any, len(l.constructors))
	tag := reflect.ValueOf(container.Tag)
	for i, ctor := range l.constructors {
		if tagged {
			// A detour, so that no generator follows it to a thousand types;
			// addService registers their proxies.
			ctor = tag.Call([]reflect.Value{reflect.ValueOf(ctor), reflect.ValueOf(policyName)})[0].Interface()
		}
		constructors[i] = ctor
	}
	return constructors
}

func startFx(l *serviceList, tag bool) (app any, err error) {
	l.wrapped = 0
	catalog := startupCatalog()
	started := fx.New(
		fx.NopLogger,
		fx.Provide(func() (*container.Orchestrator, error) { return container.NewOrchestrator(catalog) }),
		fx.Provide(container.NamedValues(catalog)),
		fx.Provide(l.provided(tag)...),
		fx.Invoke(l.uses...),
	)
	if err := started.Err(); err != nil {
		return nil, err
	}
	return started, l.check(tag)
}

func startDig(l *serviceList, tag bool) (app any, err error) {
	l.wrapped = 0
	c, err := container.New(startupCatalog())
	if err != nil {
		return nil, err
	}
	for _, ctor := range l.provided(tag) {
		if err := c.Provide(ctor); err != nil {
			return nil, err
		}
	}
	for _, use := range l.uses {
		if err := c.Invoke(use); err != nil {
			return nil, err
		}
	}
	return c, l.check(tag)
}

// check shows that every service was resolved, wrapped if it was tagged.
func (l *serviceList) check(tag bool) error {
	want := 0
	if tag {
		want = len(l.constructors)
	}
	if l.wrapped != want {
		return fmt.Errorf("%d of %d services came out wrapped, want %d", l.wrapped, len(l.constructors), want)
	}
	return nil
}
