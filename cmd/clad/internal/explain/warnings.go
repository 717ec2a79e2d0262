package explain

import (
	"fmt"
	"math"
	"time"

	"github.com/cladgo/clad/policy"
)

// A Warning is a combination of layers that is known to do harm, or to do
// nothing, though each layer is as it may be.
type Warning struct {
	// Rule names the kind of warning.
	Rule string `json:"rule"`
	// Layer is the layer that it is about, by its number from the outside; -1
	// for the policy as a whole.
	Layer int `json:"-"`
	// Problem says what is wrong, and how to mend it.
	Problem string `json:"problem"`
}

// warner looks for warnings in the layers of one policy.
type warner struct {
	layers []Layer
	whole  Analysis
	found  []Warning
}

// Warnings returns the known-bad combinations among layers, outermost first.
// patience is how long a caller is likely to wait.
func Warnings(layers []Layer, patience time.Duration) []Warning {
	w := &warner{layers: layers, whole: Analyze(layers)}
	for i, l := range layers {
		switch p := l.Policy.(type) {
		case policy.Timeout:
			w.timeout(i, Bound(p))
		case policy.Retry:
			w.retry(i, p.WithDefaults())
		case policy.RateLimit:
			w.rateLimit(i, p)
		case policy.Bulkhead:
			w.bulkhead(i, p)
		case policy.AdaptiveLimit:
			w.bulkhead(i, policy.Bulkhead{MaxConcurrent: p.WithDefaults().Max, MaxWait: p.MaxWait})
		case policy.CircuitBreaker:
			w.circuitBreaker(i, p.WithDefaults())
		}
	}
	if !w.whole.Worst.IsUnbounded() && w.whole.Worst > Bound(patience) {
		w.warn("patience", -1, "a call may take %v, longer than a caller is likely to wait (%s): lower the timeouts or the attempts", w.whole.Worst, formatDuration(patience))
	}
	return w.found
}

func (w *warner) warn(rule string, layer int, format string, args ...any) {
	w.found = append(w.found, Warning{rule, layer, fmt.Sprintf(format, args...)})
}

// outerTimeout returns the nearest timeout outside of a layer.
func (w *warner) outerTimeout(i int) (key string, limit Bound) {
	limit = Unbounded
	for _, l := range w.layers[:i] {
		if t, ok := l.Policy.(policy.Timeout); ok && Bound(t) < limit {
			key, limit = l.Key, Bound(t)
		}
	}
	return key, limit
}

func hasTimeout(layers []Layer) bool {
	for _, l := range layers {
		if _, ok := l.Policy.(policy.Timeout); ok {
			return true
		}
	}
	return false
}

// timeout: the nearer deadline stands, so a longer one inside says nothing.
func (w *warner) timeout(i int, limit Bound) {
	if key, outer := w.outerTimeout(i); limit >= outer {
		w.warn("timeout-without-effect", i, "%v never pass: the %s around it ends after %v", limit, key, outer)
	}
}

// wait: nobody waits for a turn beyond the deadline.
func (w *warner) wait(i int, longest time.Duration) {
	if key, outer := w.outerTimeout(i); Bound(longest) >= outer && longest > 0 {
		w.warn("wait-above-timeout", i, "max_wait is %s, but the %s around it ends after %v: no call waits longer than that", formatDuration(longest), key, outer)
	}
}

func (w *warner) bulkhead(i int, b policy.Bulkhead) {
	w.wait(i, b.MaxWait)
	for _, inner := range w.layers[i+1:] {
		if r, ok := inner.Policy.(policy.Retry); ok && r.WithDefaults().MaxAttempts > 1 {
			w.warn("retry-inside-bulkhead", i, "stands outside the retry, so that a call keeps its permit while it waits for the next attempt: put it inside with order")
			break
		}
	}
	if !hasTimeout(w.layers) {
		w.warn("bulkhead-without-timeout", i, "the policy has no timeout: calls that hang keep their permits, and once all %d are out every call is rejected; set attempt_timeout", b.MaxConcurrent)
	}
}

func (w *warner) rateLimit(i int, l policy.RateLimit) {
	w.wait(i, l.MaxWait)
	for _, inner := range w.layers[i+1:] {
		if r, ok := inner.Policy.(policy.Retry); ok && r.WithDefaults().MaxAttempts > 1 {
			w.warn("retry-inside-rate-limit", i, "stands outside the retry, so that further attempts take no token: put it inside with order")
			return
		}
	}
}

func (w *warner) circuitBreaker(i int, b policy.CircuitBreaker) {
	for _, inner := range w.layers[i+1:] {
		if r, ok := inner.Policy.(policy.Retry); ok && r.WithDefaults().MaxAttempts > 1 {
			w.warn("breaker-outside-retry", i, "stands outside the retry: all %d attempts count as one failure, and an open circuit does not end them; put it inside with order", r.WithDefaults().MaxAttempts)
			break
		}
	}
	if !hasTimeout(w.layers) && b.SlowCall == 0 {
		w.warn("breaker-without-timeout", i, "the policy has no timeout: a dependency that hangs is never counted as failing; set attempt_timeout")
	}
	if b.RecoveryTimeout > longRecovery && b.MaxRecovery == b.RecoveryTimeout {
		w.warn("fixed-recovery", i, "stays open for %s, and as long again after each probe that fails: what is back sooner is refused until then, and a failover of 3s becomes an outage of %[1]s; leave recovery_timeout out (%s, and up to %s while it stays away), or set max_recovery beside a short one",
			formatDuration(b.RecoveryTimeout), formatDuration(policy.DefaultRecoveryTimeout), formatDuration(policy.DefaultMaxRecovery))
	}
	if key, limit := w.attemptTimeout(i); b.SlowCall > 0 && Bound(b.SlowCall) > limit {
		w.warn("slow-call-without-effect", i, "slow_call is %s, but the %s ends each call after %v: none is ever slow", formatDuration(b.SlowCall), key, limit)
	}
	w.thresholdInReach(i, b)
}

// attemptTimeout returns the nearest timeout of what a layer calls: one around it,
// or one within, unless a retry stands between.
func (w *warner) attemptTimeout(i int) (key string, limit Bound) {
	key, limit = w.outerTimeout(i)
	for _, l := range w.layers[i+1:] {
		if _, ok := l.Policy.(policy.Retry); ok {
			break
		}
		if t, ok := l.Policy.(policy.Timeout); ok && Bound(t) < limit {
			key, limit = l.Key, Bound(t)
		}
	}
	return key, limit
}

// longRecovery is how long a circuit may stay open each time without a warning.
// Of the failovers of PostgreSQL, MariaDB, Redis and NATS most take 2 to 6
// seconds; a circuit that is open longer makes more of them than they are.
const longRecovery = 5 * time.Second

// thresholdInReach: a limiter in the same policy may let fewer requests through within the
// window than the breaker waits for.
func (w *warner) thresholdInReach(i int, b policy.CircuitBreaker) {
	if w.layers[i].Shared { // others may bring more requests
		return
	}
	if b.SlowCall > 0 {
		window := b.Window
		if window == 0 {
			window = policy.DefaultSlowWindow
		}
		if most, limiter, found := w.throughput(i, window); found && float64(b.MinRequests) > most {
			w.warn("threshold-out-of-reach", i, "min_requests is %d, but the %s lets only %.0f requests through in the window of %s: slow_rate never says anything", b.MinRequests, limiter, most, formatDuration(window))
		}
	}
	if b.Window <= 0 {
		return
	}
	most, limiter, found := w.throughput(i, b.Window)
	if !found {
		return
	}
	if b.FailureThreshold > 0 && float64(b.FailureThreshold) > most {
		w.warn("threshold-out-of-reach", i, "failure_threshold is %d, but the %s lets only %.0f requests through in the window of %s: the breaker never trips", b.FailureThreshold, limiter, most, formatDuration(b.Window))
	}
	if b.FailureRate > 0 && float64(b.MinRequests) > most {
		w.warn("threshold-out-of-reach", i, "min_requests is %d, but the %s lets only %.0f requests through in the window of %s: failure_rate never says anything", b.MinRequests, limiter, most, formatDuration(b.Window))
	}
}

// throughput is how many requests at most reach the breaker at i within a
// window, as far as rate limiters of the policy say.
func (w *warner) throughput(i int, window time.Duration) (most float64, key string, found bool) {
	for j, l := range w.layers {
		limit, ok := l.Policy.(policy.RateLimit)
		if !ok {
			continue
		}
		limit = limit.WithDefaults()
		n := float64(limit.Burst) + limit.Average()*window.Seconds()
		if limit.Per > 0 {
			n = math.Ceil(window.Seconds()/limit.Per.Seconds()) * float64(limit.RequestsPerPeriod)
		}
		for k := j + 1; k < i; k++ {
			if r, ok := w.layers[k].Policy.(policy.Retry); ok {
				n *= float64(r.WithDefaults().MaxAttempts) // for one token
			}
		}
		if !found || n < most {
			most, key, found = n, l.Key, true
		}
	}
	return most, key, found
}
