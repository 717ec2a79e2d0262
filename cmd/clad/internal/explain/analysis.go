package explain

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/cladgo/clad/config"
	"github.com/cladgo/clad/policy"
)

// A Layer is one layer of a policy, with what it shares by name looked up.
type Layer struct {
	Key    string // as in a profile
	Policy policy.Policy
	Shared bool // by name, with other policies
}

// Analysis is what the layers of a policy amount to together.
type Analysis struct {
	// Attempts is how often the dependency is called at most.
	Attempts int `json:"attempts"`
	// Budget is the share of the operations that retries keep to all together; 0
	// where one does not.
	Budget float64 `json:"retry_budget,omitempty"`

	// Worst is the longest that a call takes, if the dependency takes as long
	// as it may. It assumes that the dependency heeds its context, and that it
	// does not ask with a Retry-After for longer waits than the back-off's.
	Worst Bound `json:"worst_case"`
	// Formula says how that comes about.
	Formula string `json:"formula"`
}

// analysis is that of the layers looked at so far, from the inside out.
type analysis struct {
	Analysis
	rejected rejection // by a rate limiter
	full     rejection // by a bulkhead
	sum      bool      // the formula has several terms
	retries  bool
}

// rejection is what a rate limiter or a bulkhead inside may do to a call: reject it
// after a while, and ask to wait.
type rejection struct{ after, wait Bound }

// Analyze works out what layers amount to, outermost first.
//
// From the inside out: the call itself takes for ever. A timeout of T cuts it to
// T. A rate limit and a bulkhead add their max_wait, a hedge its delays. A circuit breaker adds nothing. A retry of
// n attempts takes n times as long and all its waits, each as long as jitter
// can make it; with max_elapsed the last attempt begins by then, and takes its
// own time.
func Analyze(layers []Layer) Analysis {
	a := analysis{Analysis: Analysis{Attempts: 1, Worst: Unbounded, Formula: "nothing bounds the call"}}
	for _, layer := range slices.Backward(layers) {
		switch l := layer.Policy.(type) {
		case policy.Timeout:
			a.timeout(layer.Key, Bound(l))
		case policy.RateLimit:
			a.rateLimit(l)
		case policy.Bulkhead:
			a.bulkhead(l)
		case policy.AdaptiveLimit:
			a.bulkhead(policy.Bulkhead{MaxWait: l.MaxWait})
		case policy.Retry:
			a.retry(l.WithDefaults())
		case policy.Hedge:
			a.hedge(l.WithDefaults())
		case policy.Chaos:
			a.chaos(l)
		case policy.CircuitBreaker, policy.Errors, policy.Stale: // they take no time
		}
	}
	return a.Analysis
}

func (a *analysis) timeout(key string, limit Bound) {
	a.rejected.after = min(a.rejected.after, limit)
	a.full.after = min(a.full.after, limit)
	a.full.wait = min(a.full.wait, limit) // those who are in have no longer, either
	switch {
	case a.Worst <= limit:
	case a.Worst.IsUnbounded():
		a.Formula, a.sum = fmt.Sprintf("%s of %v", key, limit), false
		a.Worst = limit
	default:
		a.Formula, a.sum = fmt.Sprintf("%s of %v; without it %v: %s", key, limit, a.Worst, a.Formula), false
		a.Worst = limit
	}
}

func (a *analysis) chaos(c policy.Chaos) {
	if c.Latency == 0 || a.Worst.IsUnbounded() {
		return
	}
	a.Worst = a.Worst.plus(Bound(c.Latency))
	a.Formula, a.sum = fmt.Sprintf("latency of %v + %s", formatDuration(c.Latency), a.Formula), true
}

func (a *analysis) rateLimit(l policy.RateLimit) {
	a.delayRejections(l.MaxWait)
	a.rejected.wait = max(a.rejected.wait, nextToken(l))
	a.wait(l.MaxWait)
}

// bulkhead: the wait for a permit. Who gets none is asked to come back when one of
// those has ended who are in.
func (a *analysis) bulkhead(b policy.Bulkhead) {
	a.delayRejections(b.MaxWait)
	a.full.after = max(a.full.after, Bound(b.MaxWait))
	a.full.wait = max(a.full.wait, a.Worst)
	a.wait(b.MaxWait)
}

// hedge: the last one begins when those before it have been waited for, and they
// take no longer than an attempt may.
func (a *analysis) hedge(h policy.Hedge) {
	a.Attempts = saturated(a.Attempts, h.MaxHedges+1)
	if a.Worst.IsUnbounded() {
		return
	}
	delay := min(Bound(h.Delay), a.Worst)
	what := "delay of " + formatDuration(time.Duration(delay))
	if h.Delay == 0 {
		delay, what = a.Worst, "the longest attempt"
	}
	a.Worst = a.Worst.plus(delay.times(h.MaxHedges))
	a.Formula, a.sum = fmt.Sprintf("%d × %s before the last hedge + %s", h.MaxHedges, what, a.Formula), true
}

// delayRejections: those by layers inside come after the wait of this one.
func (a *analysis) delayRejections(wait time.Duration) {
	for _, r := range []*rejection{&a.rejected, &a.full} {
		if r.wait > 0 {
			r.after = r.after.plus(Bound(wait))
		}
	}
}

// wait adds one before the call.
func (a *analysis) wait(longest time.Duration) {
	if longest == 0 || a.Worst.IsUnbounded() {
		return
	}
	a.Worst = a.Worst.plus(Bound(longest))
	a.Formula, a.sum = fmt.Sprintf("max_wait of %v + %s", formatDuration(longest), a.Formula), true
}

func (a *analysis) retry(r policy.Retry) {
	attempt := a.Worst
	a.Attempts = saturated(a.Attempts, r.MaxAttempts)
	if r.MaxAttempts == 1 {
		return
	}
	if budget := a.Budget; !a.retries || budget > 0 && r.Budget > 0 {
		a.Budget = max(budget, r.Budget) // one count for all
	} else {
		a.Budget = 0
	}
	a.retries = true
	defer func() { a.rejected.after, a.full.after = a.Worst, a.Worst }()
	if attempt.IsUnbounded() {
		return
	}
	waits := longestWaits(r, max(a.rejected.excess(attempt), a.full.excess(attempt)))
	a.Worst = attempt.times(r.MaxAttempts).plus(waits)
	if a.sum {
		a.Formula = "(" + a.Formula + ")"
	}
	whole := fmt.Sprintf("%d × %s", r.MaxAttempts, a.Formula)
	switch {
	case waits.IsUnbounded():
		whole += " + endless waits"
	case waits > 0:
		whole += fmt.Sprintf(" + %v of waits", waits)
	}
	if limited := Bound(r.MaxElapsed).plus(attempt); r.MaxElapsed > 0 && limited < a.Worst {
		a.Worst = limited
		whole = fmt.Sprintf("max_elapsed of %v + %s for the last attempt", formatDuration(r.MaxElapsed), a.Formula)
	}
	a.Formula, a.sum = whole, true
}

func saturated(a, b int) int {
	if a > math.MaxInt/b {
		return math.MaxInt
	}
	return a * b
}

// formatDuration writes a duration as a profile has it: 1m, not 1m0s.
func formatDuration(d time.Duration) string { return config.Setting{Value: d}.String() }
