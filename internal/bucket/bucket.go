// Package bucket is a token bucket of golang.org/x/time/rate, with a way for
// calls to take from a bucket with tokens to spare without a lock, and a fair
// queue for those that may wait for their token. A bucket may also give so many
// tokens in any stretch of a period.
package bucket

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/cladgo/clad/internal/clock"
	"golang.org/x/time/rate"
)

// Bucket is a token bucket. It is configured before its first use, is full then,
// and is safe for use by many goroutines.
type Bucket struct {
	credit atomic.Pointer[credit]
	empty  atomic.Int64 // there is no token before this reading of the clock

	mu      sync.Mutex // guards all below, and the opening and settling of credits
	limiter *rate.Limiter
	log     *log                    // in the limiter's place where tokens come by periods
	latest  clock.Nanos             // the latest reading that the limiter has seen
	full    clock.Nanos             // the limiter is not full before this reading
	given   unique.Handle[Settings] // held once for all buckets that have equal ones
	changed chan struct{}           // closed when waiters must reckon anew; nil if nobody does
	queue   queue
}

// Settings say how many tokens there are: PerSecond and Burst, or PerPeriod in a
// Period. None has a default.
type Settings struct {
	PerSecond float64 // how many tokens come, above 0
	Burst     int     // how many the bucket holds
	// PerPeriod is how many are taken, at most, in any stretch of a Period.
	PerPeriod int
	Period    time.Duration
	// Reserve is how many tokens TakeUnreserved leaves.
	Reserve int
	// MaxWait is how long a call may wait for its token. 0 is not at all.
	MaxWait time.Duration
}

// Configure gives the bucket its settings, in place: what was taken of it is still
// missing, as far as that goes. Who waits already may wait as long as before.
func (b *Bucket) Configure(s Settings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	given := unique.Make(s)
	if given == b.given {
		return
	}
	b.given = given
	now := b.at(clock.Now())
	if b.limiter != nil {
		b.settle(now)
	}
	if s.Period > 0 {
		b.configurePeriod(now)
	} else {
		b.configureRate(now)
	}
	b.credit.Store(newCredit(now, s))
	b.full = 0
	b.wake()
}

func (b *Bucket) settings() Settings { return b.given.Value() }

func (b *Bucket) configureRate(now clock.Nanos) {
	s := b.settings()
	if b.limiter == nil {
		b.limiter = rate.NewLimiter(rate.Limit(s.PerSecond), s.Burst)
	}
	b.limiter.SetLimitAt(now.Time(), rate.Limit(s.PerSecond))
	b.limiter.SetBurstAt(now.Time(), s.Burst)
	if b.log != nil {
		b.log.expire(now)
		b.limiter.AllowN(now.Time(), min(b.log.held, s.Burst))
		b.log = nil
	}
}

func (b *Bucket) configurePeriod(now clock.Nanos) {
	if b.log == nil {
		b.log = &log{}
	}
	b.log.configure(b.settings().PerPeriod, b.settings().Period)
	if b.limiter != nil {
		if missing := math.Ceil(float64(b.limiter.Burst()) - b.limiter.TokensAt(now.Time())); missing > 0 {
			b.log.add(now, int(min(missing, float64(b.log.limit))))
		}
		b.limiter = nil
	}
}

// wake has calls and those who wait reckon anew when there will be a token.
func (b *Bucket) wake() {
	b.empty.Store(0)
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
}

// at returns the reading to tell the limiter: one that was taken earlier than
// another, but comes after it, would turn the limiter's clock back, and the time
// since would bring its tokens twice.
func (b *Bucket) at(now clock.Nanos) clock.Nanos {
	b.latest = max(b.latest, now)
	return b.latest
}

// Tokens returns how many tokens there are now. Asking takes none.
func (b *Bucket) Tokens() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.at(clock.Now())
	if b.log != nil {
		return float64(max(b.log.left(now), 0))
	}
	if tokens, ok := b.credit.Load().tokens(now); ok {
		return tokens
	}
	return b.limiter.TokensAt(now.Time())
}

// Empty returns how long there will be no token for sure.
func (b *Bucket) Empty(now clock.Nanos) time.Duration {
	return clock.Nanos(b.empty.Load()).Sub(now)
}

// Take takes a token if there is one, and nobody waits for it. It is for when
// TakeCredit took none.
func (b *Bucket) Take(now clock.Nanos) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.take(now, 0)
}

// TakeUnreserved is Take for one who leaves the reserve to others, and does not wait:
// where there is no token beyond that, it returns the time until there is one.
func (b *Bucket) TakeUnreserved(now clock.Nanos) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.take(now, b.settings().Reserve) {
		return 0, true
	}
	now = b.at(now)
	b.settle(now) // somebody may have opened a credit since
	return b.until(now, len(b.queue)+b.settings().Reserve), false
}

func (b *Bucket) take(now clock.Nanos, keep int) bool {
	if len(b.queue) > 0 {
		return false
	}
	if b.log != nil {
		return (keep == 0 || b.log.left(now) > keep) && b.log.take(now)
	}
	now = b.at(now)
	if b.takeOpen(now) { // somebody has opened it since
		return true
	}
	if !b.settle(now) && now >= b.full && b.open(now) {
		return b.takeOpen(now)
	}
	if keep > 0 && b.limiter.TokensAt(now.Time()) < float64(1+keep) {
		return false
	}
	return b.limiter.AllowN(now.Time(), 1)
}

// GiveBack returns a token that was taken in vain, at a time that is 0 where that is
// not known. What would be more than the burst is lost; who waits for a token gets
// it.
func (b *Bucket) GiveBack(taken clock.Nanos) { b.giveBack(taken, 1) }

func (b *Bucket) giveBack(taken clock.Nanos, n int) {
	if b.credit.Load().giveBack(float64(n)) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.credit.Load().giveBack(float64(n)) { // somebody has opened it since
		return
	}
	if b.log != nil {
		for range n {
			b.log.giveBack(taken)
		}
		b.wake()
		return
	}
	b.limiter.AllowN(b.at(taken).Time(), -n) // cuts off what is more than the burst when it is next asked
	if b.full != never {
		b.full = 0
	}
	b.wake()
}

// open opens a credit on the bucket if that is full.
func (b *Bucket) open(now clock.Nanos) bool {
	c := b.credit.Load()
	if missing := float64(b.settings().Burst) - b.limiter.TokensAt(now.Time()); missing > 0 {
		b.full = now.Add(b.after(missing))
		return false
	}
	if c.lent != nil || !c.fits(now) {
		if c = newCredit(now, b.settings()); !c.fits(now) {
			b.full = never // such numbers are left to the limiter
			return false
		}
		b.credit.Store(c)
	}
	b.limiter.SetBurstAt(now.Time(), b.settings().Burst) // notes that it was full now
	c.open(now)
	return true
}

// never is when a limiter is full that no credit can be opened on.
const never clock.Nanos = math.MaxInt64

// settle has the limiter take what was taken on credit, if one was open. What is
// missing then is seldom a whole number; the limiter takes the next one, a while
// ago, so that the fraction has come back since.
func (b *Bucket) settle(now clock.Nanos) bool {
	missing, ok := b.credit.Load().close(now)
	if !ok {
		return false
	}
	whole := math.Ceil(missing)
	seconds := min((whole-missing)/float64(b.limiter.Limit()), longAgo.Seconds())
	ago := time.Duration(seconds * float64(time.Second))
	b.limiter.AllowN(now.Add(-ago).Time(), int(whole))
	b.full = now.Add(b.after(missing))
	return true
}

// longAgo is as far back as there are readings of the clock.
const longAgo = 50 * 365 * 24 * time.Hour

// after returns how long so many tokens take to come; never 0, so that nobody who
// waits as told comes too early.
func (b *Bucket) after(tokens float64) time.Duration {
	seconds := max(tokens, 0) / float64(b.limiter.Limit())
	return time.Duration(min(math.Ceil(seconds*float64(time.Second)), math.MaxInt64/2)) + 1
}

// until returns the time until the next token when ahead others are before it.
func (b *Bucket) until(now clock.Nanos, ahead int) time.Duration {
	if b.log != nil {
		return b.log.until(now, ahead)
	}
	return b.after(float64(ahead) + 1 - b.limiter.TokensAt(now.Time()))
}
