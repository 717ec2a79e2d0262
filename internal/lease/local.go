package lease

import (
	"math"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// local is the share of the limit that an instance has for itself, a token bucket.
type local struct {
	alone      bool // the store is away
	spentAlone bool // calls passed since, of which it does not know
	unpaid     int64
	last       clock.Nanos // when a token was last taken
	tokens     float64
	at         clock.Nanos // when they were counted; 0 before the first settings
	rate       float64     // per nanosecond
	burst      float64
}

func (l *local) configure(now clock.Nanos, perSecond, burst float64) {
	if l.at == 0 {
		l.tokens, l.at = burst, now
	} else {
		l.count(now)
	}
	l.rate, l.burst = perSecond/1e9, burst
	l.tokens = min(l.tokens, burst)
}

func (l *local) count(now clock.Nanos) {
	l.tokens = min(l.burst, l.tokens+l.rate*float64(max(now.Sub(l.at), 0)))
	l.at = max(l.at, now)
}

func (l *local) take(now clock.Nanos) bool {
	l.count(now)
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	l.last = now
	l.spentAlone = l.spentAlone || l.alone
	return true
}

func (l *local) giveBack() { l.tokens = min(l.burst, l.tokens+1) }

// wait is when the next token comes.
func (l *local) wait(now clock.Nanos) time.Duration {
	l.count(now)
	if l.tokens >= 1 {
		return 1
	}
	return nanoseconds(math.Ceil((1-l.tokens)/l.rate)) + 1
}

// leave begins the time without the store. What has come while the instance used its
// lease is not there twice.
func (l *local) leave(now clock.Nanos, unused time.Duration) {
	if l.alone {
		return
	}
	l.count(now)
	l.alone, l.unpaid = true, 0
	l.tokens = min(l.tokens, l.rate*float64(unused))
}

// rejoin ends it, by the answer to a question.
func (l *local) rejoin(asked flight) {
	l.alone = false
	l.spentAlone = l.spentAlone && l.last > asked.since
	l.unpaid -= min(asked.spent, l.unpaid)
}

// pay takes what was used in advance off new tokens, and returns what is left of them.
func (l *local) pay(tokens int64) int64 {
	paid := min(l.unpaid, tokens)
	l.unpaid -= paid
	return tokens - paid
}
