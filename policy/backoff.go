package policy

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait before a retry: retry 1 is the first one. The
// answer is never negative. It is asked from many goroutines at once.
type Backoff interface {
	Delay(retry int) time.Duration
}

// Fixed waits equally long before every retry. The zero value does not wait.
type Fixed time.Duration

// Delay returns the fixed delay.
func (f Fixed) Delay(int) time.Duration { return max(0, time.Duration(f)) }

func (f Fixed) String() string { return "fixed " + time.Duration(f).String() }

// Validate reports a negative delay.
func (f Fixed) Validate() error { return nonNegative("fixed back-off", "delay", time.Duration(f)) }

// Linear waits Initial before the first retry and Increment longer before each
// further one, up to Max. Max 0 means no maximum.
type Linear struct {
	Initial, Increment, Max time.Duration
}

// Delay returns Initial + (retry-1) * Increment, at most Max. It never
// overflows: without a maximum it ends at the longest duration there is.
func (l Linear) Delay(retry int) time.Duration {
	d := float64(l.Initial) + float64(max(retry, 1)-1)*float64(l.Increment)
	return clamp(d, l.Max)
}

func (l Linear) String() string {
	return fmt.Sprintf("linear %v + %v%s", l.Initial, l.Increment, upTo(l.Max))
}

// Validate reports negative durations.
func (l Linear) Validate() error {
	return errors.Join(
		nonNegative("linear back-off", "Initial", l.Initial),
		nonNegative("linear back-off", "Increment", l.Increment),
		nonNegative("linear back-off", "Max", l.Max))
}

// Exponential waits Initial before the first retry and Multiplier times longer
// before each further one, up to Max. Max 0 means no maximum, Multiplier 0
// means 2. Jitter spreads each delay evenly over half to one and a half of
// itself, so that clients that failed together do not come back together, and
// never passes Max.
//
// The formula is that of "Exponential Backoff And Jitter" (AWS Architecture
// Blog, 2015), with a spread around the delay in place of one from zero.
type Exponential struct {
	Initial    time.Duration
	Multiplier float64
	Max        time.Duration
	Jitter     bool
}

// Delay returns Initial * Multiplier^(retry-1), spread by Jitter, at most Max.
// It never overflows: without a maximum it ends at the longest duration there is.
func (e Exponential) Delay(retry int) time.Duration {
	d := float64(e.Initial) * math.Pow(e.multiplier(), float64(max(retry, 1)-1))
	if e.Jitter {
		if e.Max > 0 {
			d = min(d, float64(e.Max)) // spread what would be waited, not what is capped away
		}
		d *= 0.5 + rand.Float64()
	}
	return clamp(d, e.Max)
}

func (e Exponential) multiplier() float64 {
	if e.Multiplier == 0 {
		return 2
	}
	return e.Multiplier
}

func (e Exponential) String() string {
	jitter := ""
	if e.Jitter {
		jitter = " ±50%"
	}
	return fmt.Sprintf("exponential %v × %v%s%s", e.Initial, e.multiplier(), upTo(e.Max), jitter)
}

// Validate reports negative durations and a multiplier below 1.
func (e Exponential) Validate() error {
	var multiplier error
	if m := e.multiplier(); !(m >= 1) || math.IsInf(m, 1) {
		multiplier = fmt.Errorf("exponential back-off: Multiplier is %v; it must be 1 or more (0 means 2)", e.Multiplier)
	}
	return errors.Join(
		nonNegative("exponential back-off", "Initial", e.Initial),
		multiplier,
		nonNegative("exponential back-off", "Max", e.Max))
}

// clamp turns a delay in float nanoseconds into a Duration within 0 and limit
// (0: the longest there is).
func clamp(d float64, limit time.Duration) time.Duration {
	if limit <= 0 {
		limit = math.MaxInt64
	}
	switch {
	case d >= float64(limit):
		return limit
	case d > 0: // false for NaN as well
		return time.Duration(d)
	default:
		return 0
	}
}

func upTo(limit time.Duration) string {
	if limit <= 0 {
		return ""
	}
	return " ≤ " + limit.String()
}

func nonNegative(what, field string, d time.Duration) error {
	if d >= 0 {
		return nil
	}
	return fmt.Errorf("%s: %s is %v; it must not be negative", what, field, d)
}
