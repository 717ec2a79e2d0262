package container

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// Orchestrator turns policies into pipelines, and holds all their state: named
// breakers and limiters, those of services and operations, and what is counted.
// It implements [policy.Orchestrator], and is safe for use by many goroutines.
type Orchestrator struct {
	transitions *transitions
	log         *slog.Logger
	catalog     policy.Catalog
	pipelines   map[string]*Pipeline // by policy; fixed once made

	mu       sync.RWMutex // guards the registry
	breakers map[string]*CircuitBreaker
	limiters map[string]*RateLimiter
	counters map[string]*counters // by operation
	services map[string]string    // full type of each wrapped service by its short name

	operations sync.Map // operation id -> *operation
}

var _ policy.Orchestrator = (*Orchestrator)(nil)

// Option changes an [Orchestrator] or a [Container].
type Option interface{ apply(*options) }

type options struct {
	log       *slog.Logger
	listeners []func(Transition)
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// WithLogger has changes of breakers logged as warnings, and rejections,
// retries and the application of policies at debug level. Without it nothing is
// logged.
func WithLogger(log *slog.Logger) Option {
	return optionFunc(func(o *options) { o.log = log })
}

// OnTransition has listen told of every change of every breaker's state: in
// order, one at a time, and outside all locks, so it may ask or change the
// breaker. It runs in the goroutine of a call, so it should be quick.
func OnTransition(listen func(Transition)) Option {
	return optionFunc(func(o *options) { o.listeners = append(o.listeners, listen) })
}

// NewOrchestrator makes an orchestrator of what a profile says. It checks
// everything that can be checked without the services, and reports all mistakes
// at once.
func NewOrchestrator(c policy.Catalog, opts ...Option) (*Orchestrator, error) {
	o := newOptions(opts)
	orchestrator := &Orchestrator{
		log:         o.log,
		transitions: &transitions{listeners: o.listeners, log: o.log},
		catalog:     c,
		pipelines:   make(map[string]*Pipeline, len(c.Policies)),
		breakers:    make(map[string]*CircuitBreaker, len(c.CircuitBreakers)),
		limiters:    make(map[string]*RateLimiter, len(c.RateLimiters)),
		counters:    make(map[string]*counters),
		services:    make(map[string]string),
	}
	if err := orchestrator.load(); err != nil {
		return nil, err
	}
	return orchestrator, nil
}

func newOptions(opts []Option) options {
	o := options{log: slog.New(slog.DiscardHandler)}
	for _, opt := range opts {
		opt.apply(&o)
	}
	return o
}

func (o *Orchestrator) load() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(o.catalog.CircuitBreakers)) {
		errs = append(errs, o.RegisterCircuitBreaker(name, o.catalog.CircuitBreakers[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(o.catalog.RateLimiters)) {
		errs = append(errs, o.RegisterRateLimiter(name, o.catalog.RateLimiters[name]))
	}
	names := slices.Sorted(maps.Keys(o.catalog.Policies))
	for _, name := range names {
		if name == "" || name == nonePolicy {
			errs = append(errs, fmt.Errorf("policy %q: the name is taken; %q always means no policy", name, nonePolicy))
			continue
		}
		errs = append(errs, o.registerInline(name, o.catalog.Policies[name]))
	}
	if err := errors.Join(errs...); err != nil {
		return err // what follows would only repeat it
	}
	for _, name := range names {
		counters := o.countersOf(name)
		p := &Pipeline{counters: counters, origin: &origin{o, name}}
		prog, err := o.compile(o.catalog.Policies[name], name, newOwner(o, name))
		if err != nil {
			errs = append(errs, fmt.Errorf("policy %q: %w", name, err))
			continue
		}
		p.prog.Store(prog)
		o.pipelines[name] = p
	}
	for _, id := range slices.Sorted(maps.Keys(o.catalog.Services)) {
		s := o.catalog.Services[id]
		errs = append(errs, o.checkChoice(s.Policy, "service %q", id))
		for _, method := range slices.Sorted(maps.Keys(s.Methods)) {
			errs = append(errs, o.checkChoice(s.Methods[method], "service %q, method %q", id, method))
		}
	}
	return errors.Join(errs...)
}

// nonePolicy is the name that always means no policy.
const nonePolicy = "none"

func (o *Orchestrator) checkChoice(name, format string, args ...any) error {
	if name == "" || name == nonePolicy {
		return nil
	}
	if _, ok := o.catalog.Policies[name]; ok {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), o.unknownPolicy(name))
}

// registerInline registers what a policy both names and describes.
func (o *Orchestrator) registerInline(name string, p policy.Policy) error {
	var errs []error
	for _, layer := range policy.Layers(p) {
		var err error
		switch layer := layer.(type) {
		case policy.CircuitBreaker:
			if layer.Name != "" && !layer.IsReference() {
				_, err = o.namedBreaker(layer)
			}
		case policy.RateLimit:
			if layer.Name != "" && !layer.IsReference() {
				_, err = o.namedLimiter(layer)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("policy %q: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (o *Orchestrator) compile(p policy.Policy, operation string, r resources) (*program, error) {
	prog, err := compile(p, operation, r)
	if prog == nil || err != nil {
		return nil, err
	}
	prog.counters = o.countersOf(operation)
	prog.log = o.log
	return prog, nil
}

// Pipeline returns the pipeline of a policy of the catalog, as an operation of
// its own that bears the policy's name.
func (o *Orchestrator) Pipeline(name string) (policy.Runner, error) {
	p, err := o.pipeline(name)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (o *Orchestrator) pipeline(name string) (*Pipeline, error) {
	if p, ok := o.pipelines[name]; ok {
		return p, nil
	}
	return nil, o.unknownPolicy(name)
}

func (o *Orchestrator) unknownPolicy(name string) error {
	known := slices.Sorted(maps.Keys(o.catalog.Policies))
	return fmt.Errorf("no policy %q%s; there are: %s", name, suggest.DidYouMean(name, known), listed(known))
}

// countersOf returns the counters of an operation, shared by all who bear its id.
func (o *Orchestrator) countersOf(operation string) *counters {
	o.mu.Lock()
	defer o.mu.Unlock()
	c, ok := o.counters[operation]
	if !ok {
		c = &counters{}
		o.counters[operation] = c
	}
	return c
}

// Metrics returns what has been counted so far. Operations that have not run
// are left out.
func (o *Orchestrator) Metrics() policy.Metrics {
	o.mu.RLock()
	defer o.mu.RUnlock()
	m := policy.Metrics{Operations: make(map[string]policy.Totals, len(o.counters))}
	for operation, c := range o.counters {
		t := c.totals()
		if t.TotalOperations == 0 {
			continue
		}
		m.Operations[operation] = t
		add(&m.Totals, t)
	}
	return m
}
