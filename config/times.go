package config

import (
	"math"
	"time"

	"github.com/cladgo/clad/policy"
)

// checkTimes reports times of a policy that can't all come true: an attempt
// longer than the whole, and retries whose waits alone use the whole up.
func (b *builder) checkTimes(at place, nested []*layer, built []policy.Policy) {
	var total place // the timeout, once it stands outside of what follows
	for i, l := range nested {
		settings := at.field(l.key)
		if built[i] == nil {
			continue
		}
		switch l {
		case timeoutLayer:
			total = settings
		case attemptTimeoutLayer:
			if total.isSet() && settings.duration() > total.duration() {
				b.mistake(settings, "%v is longer than the timeout of the whole, %v (%v)", settings.duration(), total.duration(), total.origin())
			}
		case retryLayer:
			b.checkWaits(settings, built[i].(policy.Retry), total)
		}
	}
}

func (b *builder) checkWaits(at place, r policy.Retry, total place) {
	if at.hasMistakes() {
		return
	}
	if !total.isSet() && at.field("max_elapsed").duration() == 0 {
		return
	}
	waits := leastWaits(r)
	if limit := at.field("max_elapsed"); limit.duration() > 0 && waits > limit.duration() {
		b.mistake(at, "the waits between %d attempts take at least %v, longer than max_elapsed, %v (%v): the last attempts could never start",
			r.MaxAttempts, waits, limit.duration(), limit.origin())
	}
	if total.isSet() && waits >= total.duration() {
		b.mistake(at, "the waits between %d attempts take at least %v, the timeout of the whole is %v (%v): the last attempts could never start",
			r.MaxAttempts, waits, total.duration(), total.origin())
	}
}

// leastWaits is how long all back-offs of a retry take together, where jitter
// makes each as short as it can.
func leastWaits(r policy.Retry) time.Duration {
	const exact = 100 // from then on a wait counts as long as that one; it can only be longer
	var sum, wait float64
	for retry := 1; retry < r.MaxAttempts && sum < math.MaxInt64; retry++ {
		wait = leastWait(r.Backoff, retry)
		if retry > exact {
			sum += wait * float64(r.MaxAttempts-retry)
			break
		}
		sum += wait
	}
	if sum >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(sum)
}

func leastWait(backoff policy.Backoff, retry int) float64 {
	if e, ok := backoff.(policy.Exponential); ok && e.Jitter {
		e.Jitter = false
		return float64(e.Delay(retry)) / 2
	}
	return float64(backoff.Delay(retry))
}
