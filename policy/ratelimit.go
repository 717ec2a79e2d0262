package policy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// RateLimit admits RequestsPerSecond on average and Burst at once (a token
// bucket), or RequestsPerPeriod in any stretch of time as long as Per (a sliding
// window): as one likes, or as a provider counts. What exceeds it waits up to
// MaxWait for its token, or is rejected with a [*RateLimitedError] that says when
// the next token comes. Inside a [Retry] every attempt takes a token.
//
// Several limits may follow each other: a call that one of them refuses takes no
// token of any.
//
// With a Name the limiter is one object, shared by all that name it; with
// nothing but a Name it refers to the limiter registered under it. Without a
// name it belongs to the tagged service, or to the operation, that uses it.
type RateLimit struct {
	Name string
	// RequestsPerSecond must be above 0, unless RequestsPerPeriod is.
	RequestsPerSecond float64
	// Burst is the size of the bucket, which starts full. 0 means a quarter
	// of a second's requests, at least 1. It belongs to RequestsPerSecond. Where
	// goroutines on several processors take from a bucket of 1,024 or more all the
	// time, up to a 32nd of it may be held back; it never gives one more.
	Burst int
	// RequestsPerPeriod is how many requests pass, at most, in any stretch of time
	// as long as Per, not only in those that begin on the hour. It is exact up to
	// a thousand; of a larger one each token may come back later than it could by
	// a thousandth of Per, so that it takes no more memory. 0 means that
	// RequestsPerSecond counts; both are a mistake.
	RequestsPerPeriod int
	// Per is the period of RequestsPerPeriod.
	Per time.Duration
	// MaxWait is how long a call may wait for its token. 0 rejects at once.
	MaxWait time.Duration
	// Reserve is the share of Burst, or of RequestsPerPeriod, from 0 to 1, that only
	// critical calls may take; see [WithCriticality]. It is rounded up to whole
	// tokens, and leaves the others one at least; who may take none of it does
	// not wait either. 0 makes no difference between calls. It does not go with
	// Shared.
	Reserve float64
	// Shared makes it the limit of all instances together that share a store, which
	// the orchestrator must be given; the limiter needs a name. Instances take tokens
	// in advance, so a Burst below what comes in 150ms is taken for that, and go on
	// with a fair share each when the store is away.
	Shared bool
	// Exact has every call of a Shared limit ask the store, and Burst as it is.
	Exact bool
}

// IsReference reports whether l only names a limiter registered elsewhere.
func (l RateLimit) IsReference() bool {
	return l.Name != "" && l == RateLimit{Name: l.Name}
}

// WithDefaults returns l with every zero setting replaced by what it means.
func (l RateLimit) WithDefaults() RateLimit {
	if l.Burst == 0 && !l.isPeriodic() {
		l.Burst = int(min(max(l.RequestsPerSecond/4, 1), math.MaxInt32))
	}
	return l
}

// isPeriodic reports whether requests are counted by periods.
func (l RateLimit) isPeriodic() bool { return l.RequestsPerPeriod != 0 || l.Per != 0 }

// Reserved returns how many tokens Reserve is.
func (l RateLimit) Reserved() int {
	if l.isPeriodic() {
		return reserved(l.Reserve, l.RequestsPerPeriod)
	}
	return reserved(l.Reserve, l.WithDefaults().Burst)
}

// Average is how many requests a second are admitted in the long run.
func (l RateLimit) Average() float64 {
	if l.isPeriodic() {
		return float64(l.RequestsPerPeriod) / l.Per.Seconds()
	}
	return l.RequestsPerSecond
}

// Validate reports a rate that is not above 0, a period without its requests or
// with those of a second, negative settings, a Reserve that is no share, Exact
// without Shared, and a period or Reserve that is Shared.
func (l RateLimit) Validate() error {
	if l.IsReference() {
		return nil
	}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("rate limit: "+format, args...))
	}
	switch {
	case l.isPeriodic():
		if l.RequestsPerPeriod <= 0 {
			wrong("RequestsPerPeriod is %d; it must be 1 or more", l.RequestsPerPeriod)
		}
		if l.Per <= 0 {
			wrong("Per is %v; it must be the period of RequestsPerPeriod, such as time.Minute", l.Per)
		}
		if l.RequestsPerSecond != 0 {
			wrong("it has both RequestsPerSecond and RequestsPerPeriod; make them two limits")
		}
		if l.Burst != 0 {
			wrong("Burst belongs to RequestsPerSecond; RequestsPerPeriod may all come at once")
		}
	case !(l.RequestsPerSecond > 0) || math.IsInf(l.RequestsPerSecond, 1):
		wrong("RequestsPerSecond is %v; it must be above 0", l.RequestsPerSecond)
	}
	if l.Burst < 0 {
		wrong("Burst is %d; it must be 1 or more (0 means a quarter of a second's requests)", l.Burst)
	}
	if l.Exact && !l.Shared {
		wrong("Exact belongs to Shared, which is not set")
	}
	if l.Shared && l.Reserve != 0 {
		wrong("Reserve does not go with Shared")
	}
	if l.Shared && l.isPeriodic() {
		wrong("Shared goes with RequestsPerSecond, and not with RequestsPerPeriod")
	}
	return errors.Join(append(errs, nonNegative("rate limit", "MaxWait", l.MaxWait), share("rate limit", "Reserve", l.Reserve))...)
}

func (l RateLimit) String() string {
	if l.IsReference() {
		return settings("rate_limit", l.Name)
	}
	d := l.WithDefaults()
	rate, burst, wait := fmt.Sprintf("%v/s", d.RequestsPerSecond), fmt.Sprintf("burst %d", d.Burst), ""
	if d.isPeriodic() {
		rate, burst = fmt.Sprintf("%d in any %v", d.RequestsPerPeriod, d.Per), ""
	}
	if d.MaxWait > 0 {
		wait = "wait " + d.MaxWait.String()
	}
	reserve := ""
	if d.Reserve > 0 {
		reserve = fmt.Sprintf("reserve %v", d.Reserve)
	}
	shared := ""
	switch {
	case d.Exact:
		shared = "shared exactly"
	case d.Shared:
		shared = "shared"
	}
	return settings("rate_limit", l.Name, rate, burst, wait, reserve, shared)
}

func (l RateLimit) layers(dst []Policy) []Policy { return append(dst, l) }
