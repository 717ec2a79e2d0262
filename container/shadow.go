package container

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/cladgo/clad/internal/counters"
	"github.com/cladgo/clad/policy"
)

// Shadow is what another profile, the candidate, would have done so far in the place
// of the one in force: a dry run, beside the real traffic, that changes nothing of it.
//
// Much of it is exact: who asks when, what was answered, and how long that took are
// real. What never happened is not, and is reckoned so:
//
//   - An operation that the policy in force refused has reached nobody. The candidate's
//     limiters have counted it; what its breakers would have heard is not known. Such
//     operations are Unseen, and in none of the totals.
//   - A retry that only the candidate would make is taken to fail as the attempt before
//     it did, and tells no breaker anything; a retry because of the candidate's own rate
//     limit is taken to end as the real attempt did. Assumed counts both: with many, the
//     RetryAttempts are the most that there could be.
//   - An attempt that a timeout of the policy in force cut short is a failure to the
//     candidate too, whose timeout may be longer. One that took longer than the
//     candidate's timeout would have timed out.
//   - A dependency that is asked less, or more, may answer differently.
//
// Only retries, circuit breakers, rate limits, timeouts and what errors mean are
// reckoned; other layers let everything pass.
type Shadow struct {
	// Profile is the candidate's name.
	Profile string
	// Since is when this dry run began: when it was set, or another profile's was.
	// A candidate that changed goes on counting.
	Since time.Time
	// Metrics are what [Orchestrator.Metrics] would say of the operations since then,
	// the unseen ones apart.
	policy.Metrics
	// Unseen are operations that the policy in force refused.
	Unseen uint64
	// Assumed are those of the RetryAttempts that were never made.
	Assumed uint64
	// CircuitBreakers are the candidate's, with their states, sorted by name.
	CircuitBreakers []CircuitBreakerHealth
}

// Shadow returns what the dry run says so far; false where there is none.
func (o *Orchestrator) Shadow() (Shadow, bool) {
	o.mu.RLock()
	sh := o.shadow
	o.mu.RUnlock()
	if sh == nil {
		return Shadow{}, false
	}
	s := Shadow{Profile: sh.profile, Since: sh.since, Metrics: sh.o.Metrics()}
	s.Unseen, s.Assumed = sh.o.forgotten.Of(countUnseen), sh.o.forgotten.Of(countAssumed)
	sh.o.counters.Each(func(_ string, c *counters.Counters) {
		s.Unseen += c.Of(countUnseen)
		s.Assumed += c.Of(countAssumed)
	})
	for _, b := range sh.o.CircuitBreakers() {
		s.CircuitBreakers = append(s.CircuitBreakers, CircuitBreakerHealth{b.Name(), b.Status()})
	}
	return s, true
}

// SetShadow begins a dry run of the candidate, a profile by its name, beside what is in
// force; see [Shadow]. It may be called at any time, also for the same profile after a
// change: then what did not change of it keeps its state, and counting goes on. With
// an empty name it ends the dry run.
//
// The error is what would keep the candidate from being put in force; then the last dry
// run goes on. A candidate that lacks the policy of a service which is tagged later
// fails that service's constructor, as it would in force.
//
// A dry run costs each call some allocations and half a microsecond or so, and what it
// counts takes about as much memory as the orchestrator's own state.
func (o *Orchestrator) SetShadow(profile string, candidate policy.Catalog) error {
	if profile == "" {
		return o.replaceShadow(nil)
	}
	candidate = withoutWaits(candidate)
	o.mu.RLock()
	sh := o.shadow
	o.mu.RUnlock()
	var err error
	if sh == nil || sh.profile != profile {
		if sh, err = o.newShadow(profile, candidate); err == nil {
			err = o.replaceShadow(sh)
		}
	} else if err = sh.o.Reload(candidate); err == nil {
		err = o.transact((*transaction).rebind) // what it protects may have changed
	}
	if err != nil {
		return fmt.Errorf("the dry run of profile %q: %w", profile, err)
	}
	return nil
}

// shadow is the state of a dry run: an orchestrator of the candidate, which calls are
// never run by.
type shadow struct {
	profile string
	since   time.Time
	o       *Orchestrator
}

func (o *Orchestrator) newShadow(profile string, candidate policy.Catalog) (*shadow, error) {
	theirs, err := NewOrchestrator(candidate, WithErrors(o.errors), WithMaxOperations(o.operations.most), WithMaxPartitions(o.maxPartitions),
		OnTransition(func(t Transition) {
			o.log.Info("circuit breaker of the dry run changed state", "profile", profile,
				"breaker", t.Name, "from", t.From.String(), "to", t.To.String())
		}))
	if err != nil {
		return nil, err
	}
	o.mu.RLock()
	defer o.mu.RUnlock()
	var errs []error
	for name, spec := range o.breakers.inCode {
		errs = append(errs, theirs.RegisterCircuitBreaker(name, spec))
	}
	for name, spec := range o.limiters.inCode {
		errs = append(errs, theirs.RegisterRateLimiter(name, limitWithoutWait(spec)))
	}
	for name, spec := range o.bulkheads.inCode {
		errs = append(errs, theirs.RegisterBulkhead(name, spec))
	}
	return &shadow{profile, time.Now(), theirs}, errors.Join(errs...)
}

// replaceShadow puts another dry run, or none, beside everything that there is.
func (o *Orchestrator) replaceShadow(sh *shadow) error {
	return o.transact(func(tx *transaction) error {
		before := o.shadow
		tx.onRollback(func() { o.shadow = before })
		o.shadow = sh
		var errs []error
		for _, s := range o.services.all {
			twin, err := sh.mirror(s)
			errs = append(errs, err)
			was := s.twin
			tx.onRollback(func() { s.twin = was })
			s.twin = twin
			for _, b := range s.bound {
				was := b.shadow
				tx.onRollback(func() { b.shadow = was })
				b.shadow = twin.shadowed(b.method, b.guard)
			}
		}
		return errors.Join(append(errs, tx.rebind())...)
	})
}

// rebind compiles everything anew under the catalog that is in force.
func (tx *transaction) rebind() error {
	tx.reloadOperations()
	return errors.Join(tx.reloadPolicies(), tx.reloadBindings())
}

// mirror makes a service known to the candidate. A nil shadow has none.
func (sh *shadow) mirror(s *service) (*service, error) {
	if sh == nil {
		return nil, nil
	}
	twin := &service{identity: s.identity, tagged: s.tagged, o: sh.o, owner: sh.o.newOwner(s.owner.name, s.partition), rehearsed: true}
	err := sh.o.transact(func(tx *transaction) error {
		if err := errors.Join(tx.checkMeaning(twin), tx.checkChoices(twin)); err != nil {
			return err
		}
		tx.settle(twin)
		tx.onCommit(func() { tx.o.services.add(twin) })
		return tx.bindNames(twin)
	})
	if err != nil {
		return nil, fmt.Errorf("the dry run of profile %q: %w", sh.profile, err)
	}
	return twin, nil
}

// shadowed returns the candidate's pipeline for a method.
func (s *service) shadowed(method string, g guard) *Pipeline {
	if s == nil {
		return nil
	}
	if chosen := s.chosen.Load(); chosen != nil && (*chosen)[method] != nil {
		return (*chosen)[method]
	}
	for _, b := range s.bound {
		if b.method == method && b.guard == g {
			return b.pipeline
		}
	}
	return s.pipeline(method, g)
}

// operation returns the candidate's pipeline for a policy that is in no profile: the
// same policy, with what the candidate knows by its names.
func (sh *shadow) operation(tx *transaction, id string, p policy.Policy) *Pipeline {
	if sh == nil {
		return nil
	}
	runner, err := sh.o.For(id, withoutWait(p))
	if err != nil {
		tx.afterwards(func() {
			tx.o.log.LogAttrs(context.Background(), slog.LevelWarn, "an operation is left out of the dry run",
				slog.String("profile", sh.profile), slog.String("operation", id), slog.Any("error", err))
		})
		return nil
	}
	return runner.(*Pipeline)
}

// policy returns the candidate's pipeline for a policy that is run by its name.
func (sh *shadow) policy(name string) *Pipeline {
	if sh == nil {
		return nil
	}
	sh.o.mu.RLock()
	defer sh.o.mu.RUnlock()
	return sh.o.pipelines[name]
}

// beside has a program watched for the dry run. Where nothing is protected, but would
// be, there is one that only watches.
func (tx *transaction) beside(prog *program, operation string, candidate *Pipeline) *program {
	if candidate == nil {
		return prog
	}
	if prog == nil {
		if candidate.prog.Load() == nil {
			return nil
		}
		prog = tx.equip(&program{operation: operation})
	}
	prog.shadow, prog.observed = candidate, true
	return prog
}

// withoutWaits has limits whose calls may wait for a token let through at once those
// that would have got one in time: a bucket that is that much larger, and as empty.
// That is the same, but for periods, where who would have waited is refused. A limit
// that is shared is reckoned as this instance's own.
func withoutWaits(c policy.Catalog) policy.Catalog {
	c = copyOf(c)
	for name, l := range c.RateLimiters {
		c.RateLimiters[name] = limitWithoutWait(l)
	}
	for name, p := range c.Policies {
		c.Policies[name] = withoutWait(p)
	}
	return c
}

func withoutWait(p policy.Policy) policy.Policy {
	layers := policy.Layers(p)
	for i, layer := range layers {
		if l, ok := layer.(policy.RateLimit); ok {
			layers[i] = limitWithoutWait(l)
		}
	}
	return policy.Combine(layers...)
}

func limitWithoutWait(l policy.RateLimit) policy.RateLimit {
	if l.IsReference() {
		return l
	}
	l.Shared, l.Exact = false, false
	if l.MaxWait > 0 && l.RequestsPerPeriod == 0 {
		l = l.WithDefaults()
		l.Burst = int(min(float64(l.Burst)+math.Floor(l.RequestsPerSecond*l.MaxWait.Seconds()), math.MaxInt32))
	}
	l.MaxWait = 0
	return l
}
