package bucket

import (
	"math"
	"time"

	"github.com/cladgo/clad/internal/clock"
)

// log remembers when tokens were taken, so that never more than a limit are taken
// in any stretch of a period: not only in those that begin on the hour.
//
// Up to mostEntries it is exact. A log of a larger limit would take as much memory
// as that is high; there, tokens that were taken within a thousandth of the period
// are one entry and count as the last of them, so that they come back later by that
// at most, and never too early.
type log struct {
	limit   int
	period  time.Duration
	grain   time.Duration // how close together tokens are one entry
	held    int           // tokens that are taken
	entries []entry       // a ring
	oldest  int           // of its entries
	n       int           // how many there are
}

// entry is of tokens that were taken at about the same time. Of two readings of the
// clock the later one may come first.
type entry struct {
	first, last clock.Nanos
	tokens      int
}

const mostEntries = 1024

func (l *log) configure(limit int, period time.Duration) {
	l.limit, l.period, l.grain = limit, period, 0
	if limit > mostEntries {
		l.grain = period / mostEntries
	}
}

func (l *log) at(i int) *entry { return &l.entries[(l.oldest+i)%len(l.entries)] }

// expire forgets what was taken a period ago.
func (l *log) expire(now clock.Nanos) {
	for l.n > 0 {
		e := l.at(0)
		if now.Sub(e.last) < l.period {
			return
		}
		l.held -= e.tokens
		l.drop(0)
	}
}

// drop removes an entry, and closes the gap from behind.
func (l *log) drop(i int) {
	for ; i > 0; i-- {
		*l.at(i) = *l.at(i - 1)
	}
	l.oldest = (l.oldest + 1) % len(l.entries)
	l.n--
}

// left is how many tokens there are; it is negative after the limit was lowered.
func (l *log) left(now clock.Nanos) int {
	l.expire(now)
	return l.limit - l.held
}

func (l *log) take(now clock.Nanos) bool {
	if l.left(now) <= 0 {
		return false
	}
	l.add(now, 1)
	return true
}

func (l *log) add(now clock.Nanos, tokens int) {
	l.held += tokens
	if l.n > 0 {
		if e := l.at(l.n - 1); now <= e.last || now.Sub(e.first) < l.grain {
			e.first, e.last = min(e.first, now), max(e.last, now)
			e.tokens += tokens
			return
		}
	}
	if l.n == len(l.entries) {
		grown := make([]entry, max(8, 2*l.n))
		for i := range l.n {
			grown[i] = *l.at(i)
		}
		l.entries, l.oldest = grown, 0
	}
	l.n++
	*l.at(l.n - 1) = entry{now, now, tokens}
}

// giveBack returns a token that was taken at a certain time. Where nobody knows when,
// or there is none, it is the oldest: then those that stay are not older than they
// should be.
func (l *log) giveBack(taken clock.Nanos) {
	if l.n == 0 {
		return
	}
	i := l.n - 1
	for i > 0 && l.at(i).first > taken {
		i--
	}
	if e := l.at(i); taken < e.first || taken > e.last {
		i = 0
	}
	l.held--
	if e := l.at(i); e.tokens > 1 {
		e.tokens--
	} else {
		l.drop(i)
	}
}

// until returns the time until the next token when ahead others are before it.
func (l *log) until(now clock.Nanos, ahead int) time.Duration {
	left := l.left(now)
	// Whoever comes a whole limit after another waits a period longer than he.
	periods, place := int64(ahead/l.limit), ahead%l.limit
	var wait time.Duration
	if missing := place + 1 - left; missing > 0 {
		for i := range l.n {
			e := l.at(i)
			if missing -= e.tokens; missing <= 0 {
				wait = e.last.Add(l.period).Sub(now)
				break
			}
		}
	}
	if periods > 0 && periods > int64((math.MaxInt64/2-wait)/l.period) {
		return math.MaxInt64 / 2
	}
	return max(wait+time.Duration(periods*int64(l.period)), 1)
}
