// Package answertest tests what becomes of a dependency whose normal traffic is
// "no": of 100 calls it answers 98 so and fails 2. It works, whatever it is reached
// by, and its breaker stays closed, until it fails for real.
package answertest

import (
	"errors"
	"fmt"
	"time"

	"github.com/cladgo/clad/policy"
)

// Breakers are those that such a dependency is tested under: as it is by default, and
// one that goes by the rate of failures, as profiles write it. Both would open if
// answers were failures, and if they were nothing.
var Breakers = map[string]policy.CircuitBreaker{
	"by default": {},
	"by a rate":  {FailureRate: 0.5, MinRequests: 5, Window: 10 * time.Second},
}

// Dependency is called under a policy with a breaker, and without retries.
type Dependency struct {
	// Ask makes a call, which the dependency answers with a no, or fails.
	Ask func(fails bool) error
	// Stop has the dependency fail for real from now on.
	Stop   func()
	Totals func() policy.Totals
}

const (
	calls    = 500
	failures = calls / 50
	patience = 30 * time.Second
)

// Check reports what is wrong.
func (d Dependency) Check() error {
	for n := range calls {
		fails := n%(calls/failures) == 0
		err := d.Ask(fails)
		if err == nil {
			return fmt.Errorf("call %d is a success", n)
		}
		if errors.Is(err, policy.ErrCircuitOpen) {
			return fmt.Errorf("at call %d the circuit is open", n)
		}
	}
	got := d.Totals()
	// Connecting may be an operation of its own.
	if got.Answered != calls-failures || got.SuccessfulOperations < got.Answered || got.FailedOperations != failures || got.CircuitBreakerTrips != 0 {
		return fmt.Errorf("of %d answers and %d failures it counted %+v", calls-failures, failures, got)
	}
	d.Stop()
	for end := time.Now().Add(patience); ; {
		err := d.Ask(false)
		if errors.Is(err, policy.ErrCircuitOpen) {
			break
		}
		if err == nil || time.Now().After(end) {
			return fmt.Errorf("it is down, and the circuit is not open: %w", err)
		}
		time.Sleep(time.Millisecond) // clients may fail without asking anybody
	}
	if got := d.Totals(); got.CircuitBreakerTrips != 1 || got.Answered != calls-failures {
		return fmt.Errorf("after it went down: %+v", got)
	}
	return nil
}
