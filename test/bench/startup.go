package bench

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

// Startup compares starting an application whose services are tagged with
// starting the same without tags, and with services that declare by hand what a
// tag declares: what the engine takes for that.
type Startup struct {
	Engine   string        `json:"engine"` // "Fx" or "dig"
	Services int           `json:"services"`
	Untagged time.Duration `json:"untagged"`
	ByHand   time.Duration `json:"by_hand"`
	Tagged   time.Duration `json:"tagged"`
}

// MeasureStartup starts an application of 1,000 services once in each way, on each
// engine: all with an orchestrator, on dig in clad's container, so that the
// services are all that differs. Every one has a type of its own and is resolved.
func MeasureStartup() ([]Startup, error) {
	all := thousandServices()
	var measured []Startup
	for _, engine := range []struct {
		name     string
		annotate bool // as Tag does for Fx, which then names the constructor
		start    func(constructors, uses []any) (app any, err error)
	}{{"Fx", true, startFx}, {"dig", false, startDig}} {
		s := Startup{Engine: engine.name, Services: len(all.constructors)}
		for _, way := range []struct {
			name    string
			took    *time.Duration
			make    func() []any
			wrapped int
		}{
			{"untagged", &s.Untagged, func() []any { return all.constructors }, 0},
			{"by hand", &s.ByHand, func() []any { return all.byHand(engine.annotate) }, 0},
			{"tagged", &s.Tagged, all.tagged, len(all.constructors)},
		} {
			all.wrapped = 0
			runtime.GC() // what the last one left is not for this one to clear
			start := time.Now()
			if _, err := engine.start(way.make(), all.uses); err != nil {
				return nil, fmt.Errorf("starting on %s, %s: %w", engine.name, way.name, err)
			}
			*way.took = time.Since(start)
			if all.wrapped != way.wrapped {
				return nil, fmt.Errorf("%s, %s: %d of %d services came out wrapped, want %d", engine.name, way.name, all.wrapped, s.Services, way.wrapped)
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

// tagged tags the constructors.
func (l *serviceList) tagged() []any {
	constructors := make([]any, len(l.constructors))
	tag := reflect.ValueOf(container.Tag)
	for i, ctor := range l.constructors {
		// A detour, so that no generator follows it to a thousand types;
		// addService registers their proxies.
		constructors[i] = tag.Call([]reflect.Value{reflect.ValueOf(ctor), reflect.ValueOf(policyName)})[0].Interface()
	}
	return constructors
}

// byHand returns constructors with the dependency and the error that a tag adds.
func (l *serviceList) byHand(annotate bool) []any {
	constructors := make([]any, len(l.declaring))
	for i, ctor := range l.declaring {
		if annotate {
			ctor = fx.Annotate(ctor)
		}
		constructors[i] = ctor
	}
	return constructors
}

func startFx(constructors, uses []any) (app any, err error) {
	catalog := startupCatalog()
	started := fx.New(
		fx.NopLogger,
		fx.Provide(func() (*container.Orchestrator, error) { return container.NewOrchestrator(catalog) }),
		fx.Provide(container.NamedValues(catalog)),
		fx.Provide(constructors...),
		fx.Invoke(uses...),
	)
	return started, started.Err()
}

func startDig(constructors, uses []any) (app any, err error) {
	c, err := container.New(startupCatalog())
	if err != nil {
		return nil, err
	}
	for _, ctor := range constructors {
		if err := c.Provide(ctor); err != nil {
			return nil, err
		}
	}
	for _, use := range uses {
		if err := c.Invoke(use); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// StartupAllocations is how often an application allocates while it starts, for each of
// its services.
type StartupAllocations struct {
	Engine                   string // "Fx" or "dig"
	Untagged, ByHand, Tagged float64
}

// MeasureStartupAllocations counts where [MeasureStartup] times. What is made once for
// a type of function, and kept, is not counted.
func MeasureStartupAllocations() ([]StartupAllocations, error) {
	all := thousandServices()
	count := func(start func(constructors, uses []any) (any, error), constructors func() []any) (float64, error) {
		var before, after runtime.MemStats
		for range 2 { // of which the first makes the types
			runtime.ReadMemStats(&before)
			if _, err := start(constructors(), all.uses); err != nil {
				return 0, err
			}
			runtime.ReadMemStats(&after)
		}
		return float64(after.Mallocs-before.Mallocs) / float64(len(all.constructors)), nil
	}
	var measured []StartupAllocations
	for _, engine := range []struct {
		name     string
		annotate bool
		start    func(constructors, uses []any) (any, error)
	}{{"Fx", true, startFx}, {"dig", false, startDig}} {
		a := StartupAllocations{Engine: engine.name}
		var errs [3]error
		a.Untagged, errs[0] = count(engine.start, func() []any { return all.constructors })
		a.ByHand, errs[1] = count(engine.start, func() []any { return all.byHand(engine.annotate) })
		a.Tagged, errs[2] = count(engine.start, all.tagged)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, fmt.Errorf("starting on %s: %w", engine.name, err)
		}
		measured = append(measured, a)
	}
	return measured, nil
}
