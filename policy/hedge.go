package policy

import (
	"errors"
	"fmt"
	"time"
)

// What the zero settings of a [Hedge] mean.
const (
	DefaultMaxHedges   = 1
	DefaultHedgeBudget = 0.1
)

// Hedge asks once more, beside the attempt that is under way, where that takes
// longer than usual, and takes the answer that comes first: it cuts off the slow tail
// of a dependency that answers most calls fast. The others are cancelled. It is
// carried out for methods that are safe to repeat, marked //clad:safe, for requests of
// net/http that only read, and for unary calls of gRPC without side effects, and
// ignored elsewhere. See "The Tail at Scale"
// (Dean and Barroso, 2013).
//
// Each hedge passes the layers further in by itself, in a goroutine of its own: it
// takes a token of a rate limit, and counts to a circuit breaker. A failure is no
// reason to hedge; that is for a [Retry].
type Hedge struct {
	// Delay is how long an attempt is waited for before it is hedged, and between
	// hedges. 0 leaves it to Quantile.
	Delay time.Duration
	// Quantile of how long the dependency's answers have taken of late, all methods
	// of a service by themselves, is the delay where that is 0: 0.95 hedges the
	// slowest twentieth. Nothing is hedged until there are enough to tell.
	Quantile float64
	// MaxHedges is how many more attempts there may be. 0 means DefaultMaxHedges, 10
	// is the most.
	MaxHedges int
	// Budget is the share of the calls of the last ten seconds that hedges may
	// come to, of all methods of a service together. 0 means
	// DefaultHedgeBudget, 1 is the most.
	Budget float64
}

// maxHedges is more than anybody should want.
const maxHedges = 10

// WithDefaults returns h with every zero setting replaced by what it means.
func (h Hedge) WithDefaults() Hedge {
	if h.MaxHedges == 0 {
		h.MaxHedges = DefaultMaxHedges
	}
	if h.Budget == 0 {
		h.Budget = DefaultHedgeBudget
	}
	return h
}

// Validate reports settings that are negative or no shares, and a hedge that has
// neither a delay nor a quantile, or both.
func (h Hedge) Validate() error {
	var errs []error
	errs = append(errs, nonNegative("hedge", "Delay", h.Delay))
	if !(h.Quantile >= 0 && h.Quantile < 1) {
		errs = append(errs, fmt.Errorf("hedge: Quantile is %v; it is a share of the calls below 1, such as 0.95", h.Quantile))
	}
	switch {
	case h.Delay == 0 && h.Quantile == 0:
		errs = append(errs, errors.New("hedge: neither Delay nor Quantile says when to hedge"))
	case h.Delay != 0 && h.Quantile != 0:
		errs = append(errs, errors.New("hedge: both Delay and Quantile say when to hedge; leave one of them out"))
	}
	if h.MaxHedges < 0 || h.MaxHedges > maxHedges {
		errs = append(errs, fmt.Errorf("hedge: MaxHedges is %d; it must be from 1 to %d (0 means %d)", h.MaxHedges, maxHedges, DefaultMaxHedges))
	}
	if !(h.Budget >= 0 && h.Budget <= 1) {
		errs = append(errs, fmt.Errorf("hedge: Budget is %v; it is a share of the calls, from 0 to 1 (0 means %v)", h.Budget, DefaultHedgeBudget))
	}
	return errors.Join(errs...)
}

func (h Hedge) String() string {
	d := h.WithDefaults()
	when := "after " + d.Delay.String()
	if d.Delay == 0 {
		when = "after the " + percent(d.Quantile) + " quantile"
	}
	return settings("hedge", when, fmt.Sprintf("%d more", d.MaxHedges), "budget "+percent(d.Budget))
}

func (h Hedge) layers(dst []Policy) []Policy { return append(dst, h) }
