package policy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// RateLimit admits RequestsPerSecond on average and Burst at once (a token
// bucket). What exceeds it waits up to MaxWait for its token, or is rejected
// with a [*RateLimitedError] that says when the next token comes. Inside a
// [Retry] every attempt takes a token.
//
// With a Name the limiter is one object, shared by all that name it; with
// nothing but a Name it refers to the limiter registered under it. Without a
// name it belongs to the tagged service, or to the operation, that uses it.
type RateLimit struct {
	Name string
	// RequestsPerSecond must be above 0.
	RequestsPerSecond float64
	// Burst is the size of the bucket, which starts full. 0 means a quarter
	// of a second's requests, at least 1.
	Burst int
	// MaxWait is how long a call may wait for its token. 0 rejects at once.
	MaxWait time.Duration
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
	if l.Burst == 0 {
		l.Burst = int(min(max(l.RequestsPerSecond/4, 1), math.MaxInt32))
	}
	return l
}

// Validate reports a rate that is not above 0, negative settings, and Exact without
// Shared.
func (l RateLimit) Validate() error {
	if l.IsReference() {
		return nil
	}
	var errs []error
	if !(l.RequestsPerSecond > 0) || math.IsInf(l.RequestsPerSecond, 1) {
		errs = append(errs, fmt.Errorf("rate limit: RequestsPerSecond is %v; it must be above 0", l.RequestsPerSecond))
	}
	if l.Burst < 0 {
		errs = append(errs, fmt.Errorf("rate limit: Burst is %d; it must be 1 or more (0 means a quarter of a second's requests)", l.Burst))
	}
	if l.Exact && !l.Shared {
		errs = append(errs, errors.New("rate limit: Exact belongs to Shared, which is not set"))
	}
	return errors.Join(append(errs, nonNegative("rate limit", "MaxWait", l.MaxWait))...)
}

func (l RateLimit) String() string {
	if l.IsReference() {
		return settings("rate_limit", l.Name)
	}
	d := l.WithDefaults()
	wait := ""
	if d.MaxWait > 0 {
		wait = "wait " + d.MaxWait.String()
	}
	shared := ""
	switch {
	case d.Exact:
		shared = "shared exactly"
	case d.Shared:
		shared = "shared"
	}
	return settings("rate_limit", l.Name, fmt.Sprintf("%v/s", d.RequestsPerSecond), fmt.Sprintf("burst %d", d.Burst), wait, shared)
}

func (l RateLimit) layers(dst []Policy) []Policy { return append(dst, l) }
