package container

import (
	"math/rand/v2"
	"time"

	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// chaosStep is chaos that is in force until it ends by itself.
type chaosStep struct {
	policy.Chaos
	until clock.Nanos
}

// enterChaos makes the attempt late, or has it fail in the dependency's place.
func (c *Call) enterChaos(s *step) error {
	chaos := s.chaos()
	if c.clock() >= chaos.until || rand.Float64() >= chaos.Rate {
		return nil
	}
	c.began = c.clock() // it is the dependency that is slow
	c.prog.counters.Count(countChaos)
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, Injected{c.prog.operation, chaos.Latency, chaos.Error})
	}
	err := chaos.Error
	if chaos.Latency > 0 {
		c.now, c.late = 0, true
		if over := sleep(c.ctx, chaos.Latency); over != nil {
			err = over
		}
	}
	if err == nil {
		c.slowed = true
		return nil
	}
	return &policy.ChaosError{Err: err, Operation: c.prog.operation}
}

// struck notes an error of chaos, which is judged as a failure of the dependency: one
// that certainly had no effect.
func (c *Call) struck(err *policy.ChaosError) error {
	c.unsent, c.made = false, c.made+1
	c.means = verdict.Meaning{Verdict: policy.Failed, NoEffect: true}
	if e := c.prog.events; e.wanted(c.ctx) {
		e.tell(c.ctx, AttemptFailed{c.prog.operation, int(c.made), policy.Failed, err, c.took()})
	}
	c.now = 0
	return err
}

// chaosKey names the n-th chaos of a policy of the catalog, or of an operation that is
// run under one of its own.
type chaosKey struct {
	policy, operation string
	n                 int
}

// chaosBegun is chaos with its end: it goes on over reloads that leave it as it is.
type chaosBegun struct {
	spec  policy.Chaos
	until clock.Nanos
}

// chaos puts chaos in force, or finds that it has been before, and warns of it.
func (r ownResources) chaos(spec policy.Chaos, operation string, n int) *chaosStep {
	tx, key := r.transaction, chaosKey{r.policy, operation, n}
	if r.policy != "" {
		key.operation = ""
	}
	known, ok := tx.o.chaos[key]
	if !ok || !policy.Equal(known.spec, spec) {
		known = chaosBegun{spec, clock.Now().Add(spec.WithDefaults().For)}
		assign(tx, tx.o.chaos, key, known)
	}
	tx.afterwards(func() {
		if left := known.until.Sub(clock.Now()); left > 0 {
			tx.o.log.Warn("chaos is injected into an operation", "operation", operation, "policy", r.policy, "rate", spec.Rate,
				"latency", spec.Latency, "error", spec.Error, "for", left.Round(time.Second))
		}
	})
	if name, ok := spec.Error.(policy.ErrorName); ok { //nolint:errorlint // it stands for an error and wraps none
		if err, ok := tx.o.errors[string(name)]; ok {
			spec.Error = err
		}
	}
	return &chaosStep{spec, known.until}
}

// forgetChaos forgets the chaos that no policy of the catalog has any more: when it is
// put in force again, it begins anew.
func (tx *transaction) forgetChaos() {
	for key := range tx.o.chaos {
		if key.policy != "" && !hasLayer[policy.Chaos](tx.catalog.Policies[key.policy]) {
			remove(tx, tx.o.chaos, key)
		}
	}
}
