package policy

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// What a zero setting of an [AdaptiveLimit] means.
const (
	DefaultInitialLimit = 20
	DefaultMinLimit     = 1
	DefaultMaxLimit     = 1000
)

// AdaptiveLimit admits as many calls at the same time as the dependency takes
// without making them wait, which it finds by how long they take: a [Bulkhead] whose
// limit moves. What exceeds it waits up to MaxWait, or is rejected with a
// [*BulkheadFullError]. It belongs to the tagged service, or to the operation, that
// uses it.
//
// The limit is a gradient, after TCP Vegas: L. Brakmo and L. Peterson, "TCP Vegas: End
// to End Congestion Avoidance on a Global Internet", IEEE JSAC 13(8), 1995. What calls
// take without a queue is measured anew every half minute, by letting in half as many
// for a moment, as BBR does: N. Cardwell et al., "BBR: Congestion-Based Congestion
// Control", ACM Queue 14(5), 2016. A result that is read after its call counts until
// it opens.
type AdaptiveLimit struct {
	// Initial is the limit to begin with. 0 means DefaultInitialLimit, or the
	// nearest that Min and Max allow.
	Initial int
	// Min and Max are what the limit stays within. 0 means DefaultMinLimit and
	// DefaultMaxLimit.
	Min, Max int
	// MaxWait is how long a call may wait for another to end. 0 rejects at once.
	MaxWait time.Duration
}

// WithDefaults returns l with every zero setting replaced by what it means.
func (l AdaptiveLimit) WithDefaults() AdaptiveLimit {
	if l.Min == 0 {
		l.Min = DefaultMinLimit
	}
	if l.Max == 0 {
		l.Max = max(DefaultMaxLimit, l.Min)
	}
	if l.Initial == 0 {
		l.Initial = min(max(DefaultInitialLimit, l.Min), l.Max)
	}
	return l
}

// Validate reports limits below 1, bounds that are no bounds, and an Initial that is
// not within them.
func (l AdaptiveLimit) Validate() error {
	var errs []error
	for _, limit := range []struct {
		name  string
		value int
	}{{"Initial", l.Initial}, {"Min", l.Min}, {"Max", l.Max}} {
		if limit.value < 0 || limit.value > math.MaxInt32 {
			errs = append(errs, fmt.Errorf("adaptive limit: %s is %d; it must be from 1 to %d (0 means its default)", limit.name, limit.value, math.MaxInt32))
		}
	}
	if len(errs) == 0 {
		switch d := l.WithDefaults(); {
		case d.Min > d.Max:
			errs = append(errs, fmt.Errorf("adaptive limit: Min is %d, above Max, which is %d", d.Min, d.Max))
		case d.Initial < d.Min || d.Initial > d.Max:
			errs = append(errs, fmt.Errorf("adaptive limit: Initial is %d; it must be from Min to Max, %d to %d", d.Initial, d.Min, d.Max))
		}
	}
	return errors.Join(append(errs, nonNegative("adaptive limit", "MaxWait", l.MaxWait))...)
}

func (l AdaptiveLimit) String() string {
	d, wait := l.WithDefaults(), ""
	if d.MaxWait > 0 {
		wait = "wait " + d.MaxWait.String()
	}
	return settings("adaptive_limit", "", fmt.Sprintf("%d to %d at once", d.Min, d.Max), fmt.Sprintf("%d at first", d.Initial), wait)
}

func (l AdaptiveLimit) layers(dst []Policy) []Policy { return append(dst, l) }
