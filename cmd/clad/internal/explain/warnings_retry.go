package explain

import (
	"time"

	"github.com/cladgo/clad/policy"
)

// retry looks for retries that can't be, and for those that nothing ends.
func (w *warner) retry(i int, r policy.Retry) {
	if r.MaxAttempts == 1 {
		return
	}
	inside := w.layers[i+1:]
	for _, inner := range inside {
		if n, ok := inner.Policy.(policy.Retry); ok && n.WithDefaults().MaxAttempts > 1 {
			w.warn("retry-inside-retry", i, "has another retry inside: up to %d attempts in all; keep one of them", w.whole.Attempts)
			break
		}
	}
	key, outer := w.outerTimeout(i)
	switch {
	case hasTimeout(inside):
		w.attemptsFit(i, r, Analyze(inside).Worst, key, outer)
	case outer.IsUnbounded():
		w.warn("retry-without-timeout", i, "the policy has no timeout: an attempt that hangs is never ended, nor tried again; set attempt_timeout")
	default:
		w.warn("retry-without-attempt-timeout", i, "an attempt that hangs uses up the %s of %v, and is never tried again; set attempt_timeout", key, outer)
	}
}

// attemptsFit warns if attempts that hang leave no time for all the others.
func (w *warner) attemptsFit(i int, r policy.Retry, attempt Bound, key string, outer Bound) {
	var began Bound
	for n := 1; n < min(r.MaxAttempts, manyWaits); n++ {
		began = began.plus(attempt).plus(shortestWait(r.Backoff, n))
		if elapsed := Bound(r.MaxElapsed); elapsed > 0 && began > elapsed {
			w.warn("attempts-do-not-fit", i, "attempts that use up their %v are no more than %d of %d: max_elapsed is %s", attempt, n, r.MaxAttempts, formatDuration(time.Duration(elapsed)))
			return
		}
		if began >= outer {
			w.warn("attempts-do-not-fit", i, "attempts that use up their %v are no more than %d of %d: the %s is %v", attempt, n, r.MaxAttempts, key, outer)
			return
		}
	}
}
