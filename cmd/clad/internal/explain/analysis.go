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
	rejected rejection
	sum      bool // the formula has several terms
	retries  bool
}

// rejection is what a rate limiter inside may do to a call: reject it after a
// while, and ask to wait.
type rejection struct{ after, wait Bound }

// Analyze works out what layers amount to, outermost first.
//
// From the inside out: the call itself takes for ever. A timeout of T cuts it to
// T. A rate limit adds its max_wait. A circuit breaker adds nothing. A retry of
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
		case policy.Retry:
			a.retry(l.WithDefaults())
		case policy.Chaos:
			a.chaos(l)
		case policy.CircuitBreaker, policy.Errors, policy.Stale: // they take no time
		}
	}
	return a.Analysis
}

func (a *analysis) timeout(key string, limit Bound) {
	a.rejected.after = min(a.rejected.after, limit)
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
	if a.rejected.wait > 0 { // by one inside, after the wait for a token of this one
		a.rejected.after = a.rejected.after.plus(Bound(l.MaxWait))
	}
	a.rejected.wait = max(a.rejected.wait, nextToken(l))
	if l.MaxWait == 0 || a.Worst.IsUnbounded() {
		return
	}
	a.Worst = a.Worst.plus(Bound(l.MaxWait))
	a.Formula, a.sum = fmt.Sprintf("max_wait of %v + %s", formatDuration(l.MaxWait), a.Formula), true
}

func (a *analysis) retry(r policy.Retry) {
	attempt, rejected := a.Worst, a.rejected
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
	defer func() { a.rejected.after = a.Worst }()
	if attempt.IsUnbounded() {
		return
	}
	waits := longestWaits(r, attempt, rejected)
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
