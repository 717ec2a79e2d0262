package explain

import (
	"math"
	"time"

	"github.com/cladgo/clad/policy"
)

// manyWaits bounds the work of adding up back-offs. Nobody retries so often
// within any time that matters.
const manyWaits = 1000

// longestWaits adds up the waits before the retries of r, none of them shorter than
// least.
func longestWaits(r policy.Retry, least Bound) Bound {
	var sum Bound
	last := max(longestWait(r.Backoff, r.MaxAttempts), least)
	for retry := 1; retry < r.MaxAttempts; retry++ {
		wait := max(longestWait(r.Backoff, retry), least)
		if wait == last || retry == manyWaits { // the rest takes as long as the last, or nobody lives to see it
			return sum.plus(last.times(r.MaxAttempts - retry))
		}
		if sum = sum.plus(wait); sum.IsUnbounded() {
			break
		}
	}
	return sum
}

// excess is by how much an attempt that is rejected may take longer, until the next
// one starts, than an attempt that uses its time up.
func (r rejection) excess(attempt Bound) Bound {
	whole := r.after.plus(r.wait)
	if r.wait == 0 || whole <= attempt {
		return 0
	}
	if whole.IsUnbounded() {
		return Unbounded
	}
	return whole - attempt
}

// longestWait is how long the back-off before a retry can be.
func longestWait(backoff policy.Backoff, retry int) Bound {
	e, ok := backoff.(policy.Exponential)
	if !ok || !e.Jitter {
		return Bound(backoff.Delay(retry))
	}
	wait := jittered(e, retry, 1.5)
	if e.Max > 0 {
		wait = min(wait, Bound(e.Max))
	}
	return wait
}

// shortestWait is how short it can be.
func shortestWait(backoff policy.Backoff, retry int) Bound {
	if e, ok := backoff.(policy.Exponential); ok && e.Jitter {
		return jittered(e, retry, 0.5)
	}
	return Bound(backoff.Delay(retry))
}

// jittered is the wait at one end of the jitter's spread.
func jittered(e policy.Exponential, retry int, by float64) Bound {
	e.Jitter = false
	wait := float64(e.Delay(retry)) * by
	if wait >= math.MaxInt64 {
		return Unbounded
	}
	return Bound(wait)
}

// nextToken is how long a rate limiter that rejects may ask to wait: as long as
// the queue may be, and one token more, beyond the reserve, or a period.
func nextToken(l policy.RateLimit) Bound {
	if l.RequestsPerPeriod > 0 {
		return Bound(l.MaxWait).plus(Bound(l.Per))
	}
	token := float64(time.Second) / l.RequestsPerSecond * float64(1+l.Reserved())
	if !(token < math.MaxInt64) {
		return Unbounded
	}
	return Bound(l.MaxWait).plus(Bound(token))
}
