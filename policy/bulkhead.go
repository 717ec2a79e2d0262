package policy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// Bulkhead admits MaxConcurrent calls at the same time: a dependency that has
// become slow holds no more than these up. What exceeds it waits up to MaxWait
// for another to end, first come first served, or is rejected with a
// [*BulkheadFullError]. Inside a [Retry] an attempt has its permit for as long as
// it runs, and none while it waits for the next; outside, the operation has one
// throughout. A result that is read after its call, as a body, rows or a stream,
// keeps the permit until it is closed.
//
// With a Name the bulkhead is one object, shared by all that name it; with
// nothing but a Name it refers to the bulkhead registered under it. Without a
// name it belongs to the tagged service, or to the operation, that uses it.
type Bulkhead struct {
	Name string
	// MaxConcurrent is how many calls may be under way, 1 or more.
	MaxConcurrent int
	// MaxWait is how long a call may wait for its permit. 0 rejects at once.
	MaxWait time.Duration
	// Reserve is the share of MaxConcurrent, from 0 to 1, that only critical
	// calls may take; see [WithCriticality]. It is rounded up to whole permits,
	// and leaves the others one at least. Of the calls that wait, critical ones
	// come first then. 0 makes no difference between calls.
	Reserve float64
}

// IsReference reports whether b only names a bulkhead registered elsewhere.
func (b Bulkhead) IsReference() bool {
	return b.Name != "" && b == Bulkhead{Name: b.Name}
}

// Reserved returns how many permits Reserve is.
func (b Bulkhead) Reserved() int {
	return reserved(b.Reserve, b.MaxConcurrent)
}

// reserved is a share of n in whole ones, of which it leaves one.
func reserved(share float64, n int) int {
	return max(0, min(int(math.Ceil(share*float64(n))), n-1))
}

// Validate reports a MaxConcurrent below 1, a Reserve that is no share, and a
// negative MaxWait.
func (b Bulkhead) Validate() error {
	if b.IsReference() {
		return nil
	}
	var errs []error
	if b.MaxConcurrent < 1 || b.MaxConcurrent > math.MaxInt32 {
		errs = append(errs, fmt.Errorf("bulkhead: MaxConcurrent is %d; it must be from 1 to %d", b.MaxConcurrent, math.MaxInt32))
	}
	return errors.Join(append(errs, nonNegative("bulkhead", "MaxWait", b.MaxWait), share("bulkhead", "Reserve", b.Reserve))...)
}

// share reports a setting that is not from 0 to 1.
func share(kind, name string, v float64) error {
	if v >= 0 && v <= 1 {
		return nil
	}
	return fmt.Errorf("%s: %s is %v; it must be from 0 to 1", kind, name, v)
}

func (b Bulkhead) String() string {
	if b.IsReference() {
		return settings("bulkhead", b.Name)
	}
	var wait, reserve string
	if b.MaxWait > 0 {
		wait = "wait " + b.MaxWait.String()
	}
	if b.Reserve > 0 {
		reserve = fmt.Sprintf("reserve %v", b.Reserve)
	}
	return settings("bulkhead", b.Name, fmt.Sprintf("%d at once", b.MaxConcurrent), wait, reserve)
}

func (b Bulkhead) layers(dst []Policy) []Policy { return append(dst, b) }
