package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DefaultMaxAttempts is what a zero [Retry].MaxAttempts means.
const DefaultMaxAttempts = 3

// DefaultMaxWait is the least that a zero [Retry].MaxWait means.
const DefaultMaxWait = 30 * time.Second

// Retry repeats what failed with a retryable error. The zero value makes three
// attempts with exponential back-off and jitter.
//
// No attempt starts when the context is over, after MaxElapsed, or when the
// back-off would not fit before the context's deadline. An error that says when
// to come back (see [RetryAfter]) lengthens the back-off, never shortens it. Where
// the caller retries (see [WithCallerRetries]), there is one attempt.
type Retry struct {
	// MaxAttempts counts all attempts, the first included. 0 means
	// DefaultMaxAttempts; with 1 the error comes through unwrapped.
	MaxAttempts int
	// Backoff is the wait before each retry. nil means DefaultBackoff.
	Backoff Backoff
	// MaxElapsed ends the retries: no new attempt starts this long after the
	// first one did. 0 means no limit.
	MaxElapsed time.Duration
	// MaxWait is the longest wait that an error may ask for before it is worth
	// another attempt (see [RetryAfter]). One that asks for more ends the
	// retries at once. 0 means the longest that the back-off waits, and at
	// least DefaultMaxWait.
	MaxWait time.Duration
	// RetryIf decides which errors are worth another attempt. nil means
	// IsRetryable. It may be called from many goroutines at once.
	RetryIf func(error) bool
	// Budget bounds the retries of a dependency, all its operations together, to
	// a share of the operations of the last ten seconds: 0.1 is one retry for ten
	// of them. What would exceed it is not retried, and its error is
	// ErrRetriesExhausted, with RetriesExhaustedError.Budget set. A dependency that
	// is seldom asked may be asked again once in ten seconds all the same. 0
	// means no budget, 1 is the most.
	//
	// The dependency is what unnamed circuit breakers belong to: the tagged
	// service, or else the operation. See chapter 21, "Handling Overload", of
	// Site Reliability Engineering (Beyer et al., 2016), for why.
	Budget float64
	// IdempotencyKey names a header of HTTP, or metadata of gRPC, by which the
	// dependency recognises an operation that it has seen: cladhttp and cladgrpc put
	// one generated key (a random UUID) on all attempts of an operation, unless its
	// caller has set one, and then repeat it as if it were safe to repeat. It is for
	// dependencies that promise to carry out what bears an equal key once.
	// Others ignore it, and would do twice what was to be done once. Empty means no
	// key.
	IdempotencyKey string
}

// DefaultBackoff is the back-off of a [Retry] that names none: 100ms, doubled at
// each retry, up to 30s, spread by half either way.
func DefaultBackoff() Backoff {
	return Exponential{Initial: 100 * time.Millisecond, Multiplier: 2, Max: 30 * time.Second, Jitter: true}
}

// WithDefaults returns r with every zero setting replaced by what it means.
func (r Retry) WithDefaults() Retry {
	if r.MaxAttempts == 0 {
		r.MaxAttempts = DefaultMaxAttempts
	}
	if r.Backoff == nil {
		r.Backoff = DefaultBackoff()
	}
	if r.MaxWait == 0 {
		r.MaxWait = max(DefaultMaxWait, longest(r.Backoff))
	}
	if r.RetryIf == nil {
		r.RetryIf = IsRetryable
	}
	return r
}

// Validate reports a negative number of attempts, a negative duration, a budget that is
// no share, and an idempotency key that can be no header.
func (r Retry) Validate() error {
	var errs []error
	if r.MaxAttempts < 0 {
		errs = append(errs, fmt.Errorf("retry: MaxAttempts is %d; it counts all attempts, so 1 or more (0 means %d)",
			r.MaxAttempts, DefaultMaxAttempts))
	}
	if r.MaxElapsed < 0 {
		errs = append(errs, fmt.Errorf("retry: MaxElapsed is %v; it must not be negative (0 means no limit)", r.MaxElapsed))
	}
	if r.MaxWait < 0 {
		errs = append(errs, fmt.Errorf("retry: MaxWait is %v; it must not be negative (0 means the back-off's maximum, at least %v)",
			r.MaxWait, DefaultMaxWait))
	}
	if !(r.Budget >= 0 && r.Budget <= 1) {
		errs = append(errs, fmt.Errorf("retry: Budget is %v; it is a share of the operations, from 0 to 1 (0 means no budget)", r.Budget))
	}
	if strings.ContainsFunc(r.IdempotencyKey, func(c rune) bool { return !headerRune(c) }) {
		errs = append(errs, fmt.Errorf("retry: IdempotencyKey is %q; it is the name of a header, such as Idempotency-Key", r.IdempotencyKey))
	}
	if v, ok := r.Backoff.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("retry: %w", err))
		}
	}
	return errors.Join(errs...)
}

func (r Retry) String() string {
	d := r.WithDefaults()
	if d.MaxAttempts == 1 {
		return settings("retry", "1 attempt")
	}
	elapsed, wait, budget, key, custom := "", "", "", "", ""
	if d.MaxElapsed > 0 {
		elapsed = "within " + d.MaxElapsed.String()
	}
	if r.MaxWait > 0 {
		wait = "waiting at most " + r.MaxWait.String()
	}
	if r.Budget > 0 {
		budget = "budget " + percent(r.Budget)
	}
	if r.IdempotencyKey != "" {
		key = "key in " + r.IdempotencyKey
	}
	if r.RetryIf != nil {
		custom = "custom RetryIf"
	}
	return settings("retry", strconv.Itoa(d.MaxAttempts)+" attempts", fmt.Sprint(d.Backoff), elapsed, wait, budget, key, custom)
}

func (r Retry) layers(dst []Policy) []Policy { return append(dst, r) }

// headerRune reports whether the name of a header may have c in it (RFC 9110,
// 5.6.2) and metadata of gRPC as well: letters, digits and - _ .
func headerRune(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_.", c)
}

// percent writes a share: "10%".
func percent(share float64) string {
	return strconv.FormatFloat(share*100, 'g', 4, 64) + "%"
}

// longest returns the longest delay of a back-off of this package, or 0.
func longest(b Backoff) time.Duration {
	switch b := b.(type) {
	case Fixed:
		return time.Duration(b)
	case Linear:
		return b.Max
	case Exponential:
		return b.Max
	}
	return 0
}
