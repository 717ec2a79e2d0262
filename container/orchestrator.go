package container

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/cladgo/clad/internal/counters"
	"github.com/cladgo/clad/internal/needs"
	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// Orchestrator turns policies into pipelines, and holds all their state: named
// breakers, limiters and bulkheads, those of services and operations, and what is counted.
// It implements [policy.Orchestrator], and is safe for use by many goroutines.
type Orchestrator struct {
	transitions   *transitions
	log           *slog.Logger
	events        *events
	errors        map[string]error  // by the names that profiles may use
	counters      counters.Registry // by operation
	forgotten     counters.Counters // of operations that are no longer known
	operations    operations        // by the ids given to For
	chaos         map[chaosKey]chaosBegun
	maxPartitions int
	sharing       *sharing // nil without a store
	closing       closing

	mu        sync.RWMutex // guards what follows, which changes by transactions only
	catalog   policy.Catalog
	pipelines map[string]*Pipeline // by policy of the catalog
	retired   map[string]*Pipeline // of policies that it no longer has
	breakers  registry[policy.CircuitBreaker, *CircuitBreaker]
	limiters  registry[policy.RateLimit, *RateLimiter]
	bulkheads registry[policy.Bulkhead, *Bulkhead]
	adaptive  registry[policy.AdaptiveLimit, *Bulkhead] // of which none has a name of its own
	services  services
	shadow    *shadow // nil where there is no dry run
}

var _ policy.Orchestrator = (*Orchestrator)(nil)

// Option changes an [Orchestrator] or a [Container].
type Option interface{ apply(*options) }

type options struct {
	log        *slog.Logger
	events     *events
	errors     map[string]error
	operations int
	partitions int
	store      Store
	fleet      int
	attach     []func(*Orchestrator) func()
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// Options are several options as one, for those who write an option of their own.
func Options(opts ...Option) Option {
	return optionFunc(func(o *options) {
		for _, opt := range opts {
			opt.apply(o)
		}
	})
}

// WithLogger has changes of breakers logged as warnings, and rejections, retries,
// failed attempts and the application of policies at debug level, with the context
// of the call; successes never. Of what happens again and again to an operation the
// first ten are logged one by one, and then how many more there were in ten seconds.
// Without it nothing is logged.
func WithLogger(log *slog.Logger) Option {
	return optionFunc(func(o *options) { o.log = log })
}

// WithErrors makes errors known by the names that profiles may use for them, in
// the errors of a policy. They come before those of clients that clad knows by
// itself. Given several times, they add up.
func WithErrors(named map[string]error) Option {
	return optionFunc(func(o *options) {
		if o.errors == nil {
			o.errors = make(map[string]error, len(named))
		}
		maps.Copy(o.errors, named)
	})
}

// OnTransition has listen told of every change of every breaker's state: in
// order, one at a time, and outside all locks, so it may ask or change the
// breaker. It runs in the goroutine of a call, so it should be quick.
func OnTransition(listen func(Transition)) Option {
	return OnEvent(func(_ context.Context, event Event) {
		if change, ok := event.(Transition); ok {
			listen(change)
		}
	})
}

// optionsOf is what options amount to, with the defaults of what they leave out.
func optionsOf(opts []Option) options {
	settings := options{log: slog.New(slog.DiscardHandler), events: &events{}, operations: DefaultMaxOperations, partitions: DefaultMaxPartitions}
	for _, opt := range opts {
		opt.apply(&settings)
	}
	return settings
}

// NewOrchestrator makes an orchestrator of what a profile says. It checks
// everything that can be checked without the services, and reports all mistakes
// at once.
func NewOrchestrator(c policy.Catalog, opts ...Option) (*Orchestrator, error) {
	settings := optionsOf(opts)
	settings.events.log = settings.log
	o := &Orchestrator{
		log:           settings.log,
		events:        settings.events,
		errors:        settings.errors,
		services:      newServices(),
		breakers:      newRegistry[policy.CircuitBreaker, *CircuitBreaker](),
		limiters:      newRegistry[policy.RateLimit, *RateLimiter](),
		bulkheads:     newRegistry[policy.Bulkhead, *Bulkhead](),
		operations:    operations{most: settings.operations},
		maxPartitions: settings.partitions,
		chaos:         make(map[chaosKey]chaosBegun),
	}
	o.adaptive = newRegistry[policy.AdaptiveLimit, *Bulkhead]()
	o.adaptive.unnamed = o.bulkheads.unnamed // they are bulkheads all the same
	o.transitions = &transitions{events: o.events}
	o.sharing = newSharing(settings)
	if err := o.transact(func(tx *transaction) error {
		if err := o.sharing.register(tx); err != nil {
			return err
		}
		return tx.reload(c)
	}); err != nil {
		o.sharing.close(nil)
		return nil, err
	}
	for _, attach := range settings.attach {
		if detach := attach(o); detach != nil {
			o.closing.add(detach)
		}
	}
	return o, nil
}

// Attach has attach called with the orchestrator once it is made, for what is to ask
// it from time to time, as metrics do. Where attach returns a function,
// [Orchestrator.Close] calls it.
func Attach(attach func(*Orchestrator) (detach func())) Option {
	return optionFunc(func(o *options) { o.attach = append(o.attach, attach) })
}

// Close ends what [Attach] attached and who observes, the last first, gives back what
// this instance holds of shared limits, and logs what is left of the floods that
// [WithLogger] holds back. Pipelines go on working. Closing again does
// nothing. An Fx application closes its orchestrator when it stops.
func (o *Orchestrator) Close() {
	if o.closing.end() {
		o.sharing.close(o.RateLimiters())
		o.events.endFloods()
	}
}

// nonePolicy is the name that always means no policy.
const nonePolicy = "none"

// Pipeline returns the pipeline of a policy of the catalog, as an operation of
// its own that bears the policy's name.
func (o *Orchestrator) Pipeline(name string) (policy.Runner, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if p, ok := o.pipelines[name]; ok {
		return p, nil
	}
	return nil, unknownPolicy(o.catalog, name)
}

// RegisterCircuitBreaker makes a breaker known under a name, at any time. One
// that is there already takes the new settings: changed ones start a new count,
// equal ones change nothing. It stays when a profile is loaded anew.
func (o *Orchestrator) RegisterCircuitBreaker(name string, spec policy.CircuitBreaker) error {
	return o.transact(func(tx *transaction) error { return tx.register(name, spec) })
}

// RegisterRateLimiter makes a limiter known under a name, at any time. One that
// is there already takes the new settings and keeps the tokens that it has. It
// stays when a profile is loaded anew.
func (o *Orchestrator) RegisterRateLimiter(name string, spec policy.RateLimit) error {
	return o.transact(func(tx *transaction) error { return tx.registerLimiter(name, spec) })
}

// RegisterBulkhead makes a bulkhead known under a name, at any time. One that is
// there already takes the new settings: calls keep the permits that they have. It
// stays when a profile is loaded anew.
func (o *Orchestrator) RegisterBulkhead(name string, spec policy.Bulkhead) error {
	return o.transact(func(tx *transaction) error { return tx.registerBulkhead(name, spec) })
}

// choice returns the policy of a name.
func choice(c policy.Catalog, name string) (policy.Policy, error) {
	if name == nonePolicy {
		return policy.None{}, nil
	}
	if p, ok := c.Policies[name]; ok {
		return p, nil
	}
	return nil, unknownPolicy(c, name)
}

func unknownPolicy(c policy.Catalog, name string) error {
	err := unknown("policy", name, c.Policies)
	if name == policy.StandardName {
		return fmt.Errorf("%w; %s", err, needs.Standard)
	}
	return err
}

// unknown says that a name is not known, which one may be meant, and which
// there are.
func unknown[T any](what, name string, known map[string]T) error {
	names := slices.Sorted(maps.Keys(known))
	return fmt.Errorf("no %s %q%s; there are: %s", what, name, suggest.DidYouMean(name, names), suggest.Few(names))
}

// checkName checks what a breaker, limiter or bulkhead is to be registered under.
func checkName(what, name, own string, invalid error) error {
	var errs []error
	switch {
	case name == "":
		errs = append(errs, errors.New("it needs a name to be registered under"))
	case own != "" && own != name:
		errs = append(errs, fmt.Errorf("its own Name is %q; leave that empty or make them equal", own))
	}
	if err := errors.Join(append(errs, invalid)...); err != nil {
		return fmt.Errorf("%s %q: %w", what, name, err)
	}
	return nil
}
