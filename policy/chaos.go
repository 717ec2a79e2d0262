package policy

import (
	"errors"
	"fmt"
	"time"
)

// Chaos makes a share of the calls slow, or fail, to see what becomes of it: what
// stands around it, and the application, meet it as they would the dependency's own
// trouble. It stands innermost. It ends by itself.
type Chaos struct {
	// Rate is the share of the calls that it strikes, above 0 and up to 1.
	Rate float64
	// Latency is how much later they come to the dependency, or fail. 0 is not at all.
	Latency time.Duration
	// Error is what they fail with, in a [*ChaosError]; the dependency is not called
	// then. nil calls it. There must be a latency or an error.
	Error error
	// For is how long it lasts from when the policy is put in force: as the
	// application starts, or by a reload that changes it. 0 means 10 minutes.
	For time.Duration
}

// DefaultChaosFor is how long chaos lasts where nothing is said.
const DefaultChaosFor = 10 * time.Minute

// WithDefaults returns c with every zero setting replaced by what it means.
func (c Chaos) WithDefaults() Chaos {
	if c.For == 0 {
		c.For = DefaultChaosFor
	}
	return c
}

// Validate reports a rate that is no share, chaos that does nothing, and negative
// durations.
func (c Chaos) Validate() error {
	var errs []error
	if !(c.Rate > 0 && c.Rate <= 1) {
		errs = append(errs, fmt.Errorf("chaos: Rate is %v; it must be above 0 and at most 1", c.Rate))
	}
	if c.Latency == 0 && c.Error == nil {
		errs = append(errs, errors.New("chaos: it does nothing; set Latency or Error"))
	}
	errs = append(errs, nonNegative("chaos", "Latency", c.Latency), nonNegative("chaos", "For", c.For))
	return errors.Join(errs...)
}

func (c Chaos) String() string {
	lasts := c.WithDefaults().For
	latency, failure := "", ""
	if c.Latency > 0 {
		latency = "latency " + c.Latency.String()
	}
	if c.Error != nil {
		failure = "error " + c.Error.Error()
	}
	return settings("chaos", fmt.Sprintf("%v of calls", c.Rate), latency, failure, "for "+lasts.String())
}

func (c Chaos) layers(dst []Policy) []Policy { return append(dst, c) }

// ErrChaos is in every error that a [Chaos] made.
var ErrChaos = errors.New("chaos")

// ChaosError is what a [Chaos] had a call fail with.
type ChaosError struct {
	Err       error // Chaos.Error
	Operation string
}

func (e *ChaosError) Error() string {
	return message(e.Operation, "chaos", e.Err)
}

// Unwrap returns Err.
func (e *ChaosError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrChaos].
func (e *ChaosError) Is(target error) bool { return target == ErrChaos }
