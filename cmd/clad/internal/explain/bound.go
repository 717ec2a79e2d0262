package explain

import (
	"math"
	"time"
)

// Bound is the longest that something takes. It never overflows: what is too
// long to be counted is Unbounded.
type Bound time.Duration

// Unbounded is how long something takes that nothing ends.
const Unbounded Bound = math.MaxInt64

func (b Bound) plus(more Bound) Bound {
	if more > 0 && b > Unbounded-more {
		return Unbounded
	}
	return b + more
}

func (b Bound) times(n int) Bound {
	if b != 0 && Bound(n) > Unbounded/b {
		return Unbounded
	}
	return b * Bound(n)
}

// IsUnbounded reports whether nothing ends it.
func (b Bound) IsUnbounded() bool { return b == Unbounded }

// String returns the duration, or "unbounded".
func (b Bound) String() string {
	if b.IsUnbounded() {
		return "unbounded"
	}
	return formatDuration(time.Duration(b))
}

// MarshalJSON returns the duration as text, or null where there is no bound.
func (b Bound) MarshalJSON() ([]byte, error) {
	if b.IsUnbounded() {
		return []byte("null"), nil
	}
	return []byte(`"` + b.String() + `"`), nil
}
