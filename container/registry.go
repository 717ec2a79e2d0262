package container

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/suggest"
	"github.com/cladgo/clad/policy"
)

// RegisterCircuitBreaker makes a breaker known under a name, at any time. One
// that is there already takes the new settings: changed ones start a new count,
// equal ones change nothing.
func (o *Orchestrator) RegisterCircuitBreaker(name string, spec policy.CircuitBreaker) error {
	if err := checkName("circuit breaker", name, spec.Name, spec.Validate()); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if b, ok := o.breakers[name]; ok {
		b.configure(spec)
		return nil
	}
	o.breakers[name] = newCircuitBreaker(name, spec, o.transitions)
	return nil
}

// RegisterRateLimiter makes a limiter known under a name, at any time. One that
// is there already takes the new settings and keeps the tokens that it has.
func (o *Orchestrator) RegisterRateLimiter(name string, spec policy.RateLimit) error {
	invalid := spec.Validate()
	if spec.IsReference() {
		invalid = policy.RateLimit{}.Validate() // a name alone refers; here something is to be made
	}
	if err := checkName("rate limiter", name, spec.Name, invalid); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if l, ok := o.limiters[name]; ok {
		l.configure(spec)
		return nil
	}
	o.limiters[name] = newRateLimiter(name, spec)
	return nil
}

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

// CircuitBreaker returns the breaker registered under a name. Looking for one
// never makes one.
func (o *Orchestrator) CircuitBreaker(name string) (*CircuitBreaker, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	b, ok := o.breakers[name]
	return b, ok
}

// RateLimiter returns the limiter registered under a name. Looking for one
// never makes one.
func (o *Orchestrator) RateLimiter(name string) (*RateLimiter, bool) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	l, ok := o.limiters[name]
	return l, ok
}

// namedBreaker finds what a policy names, and makes what it also describes.
func (o *Orchestrator) namedBreaker(spec policy.CircuitBreaker) (*CircuitBreaker, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	b, ok := o.breakers[spec.Name]
	switch {
	case ok && (spec.IsReference() || b.has(spec)):
		return b, nil
	case ok:
		return nil, fmt.Errorf("circuit breaker %q is registered with other settings; name it alone to share it, or give this one another name", spec.Name)
	case spec.IsReference():
		known := slices.Sorted(maps.Keys(o.breakers))
		return nil, fmt.Errorf("no circuit breaker %q is registered%s; there are: %s", spec.Name, suggest.DidYouMean(spec.Name, known), listed(known))
	}
	b = newCircuitBreaker(spec.Name, spec, o.transitions)
	o.breakers[spec.Name] = b
	return b, nil
}

func (o *Orchestrator) namedLimiter(spec policy.RateLimit) (*RateLimiter, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.limiters[spec.Name]
	switch {
	case ok && (spec.IsReference() || l.has(spec)):
		return l, nil
	case ok:
		return nil, fmt.Errorf("rate limiter %q is registered with other settings; name it alone to share it, or give this one another name", spec.Name)
	case spec.IsReference():
		known := slices.Sorted(maps.Keys(o.limiters))
		return nil, fmt.Errorf("no rate limiter %q is registered%s; there are: %s", spec.Name, suggest.DidYouMean(spec.Name, known), listed(known))
	}
	l = newRateLimiter(spec.Name, spec)
	o.limiters[spec.Name] = l
	return l, nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
