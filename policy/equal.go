package policy

import (
	"reflect"
	"slices"
	"unsafe"
)

// Equal reports whether a and b are the same policy: the same layers in the
// same order with the same settings. A RetryIf is equal to itself only, and so
// is a closure made anew each time to none. It does not allocate for the
// back-offs of this package.
func Equal(a, b Policy) bool {
	switch a := a.(type) {
	case nil:
		return empty(b)
	case None:
		return empty(b)
	case Retry:
		b, ok := b.(Retry)
		return ok && a.equal(b)
	case Errors:
		b, ok := b.(Errors)
		return ok && a.equal(b)
	case Chaos:
		b, ok := b.(Chaos)
		return ok && a.Rate == b.Rate && a.Latency == b.Latency && a.For == b.For && sameErrors([]error{a.Error}, []error{b.Error})
	case *combined:
		b, ok := b.(*combined)
		if a == b {
			return true
		}
		if !ok || len(a.list) != len(b.list) {
			return false
		}
		for i := range a.list {
			if !Equal(a.list[i], b.list[i]) {
				return false
			}
		}
		return true
	default:
		return a == b // the rest are comparable
	}
}

func empty(p Policy) bool { return p == nil || p == Policy(None{}) }

func (r Retry) equal(o Retry) bool {
	return r.MaxAttempts == o.MaxAttempts && r.MaxElapsed == o.MaxElapsed && r.MaxWait == o.MaxWait && r.Budget == o.Budget && r.IdempotencyKey == o.IdempotencyKey &&
		sameFunc(r.RetryIf, o.RetryIf) && sameBackoff(r.Backoff, o.Backoff)
}

// sameFunc reports whether f and g are one function value, not merely the same
// code: two closures over different variables are two.
func sameFunc[F func(error) bool | func(error) Verdict](f, g F) bool {
	return *(*unsafe.Pointer)(unsafe.Pointer(&f)) == *(*unsafe.Pointer)(unsafe.Pointer(&g))
}

// sameErrors compares errors by what they are: one whose type can't be compared is
// the same as none.
func sameErrors(a, b []error) bool {
	return slices.EqualFunc(a, b, func(a, b error) bool {
		return reflect.TypeOf(a) == reflect.TypeOf(b) && (a == nil || reflect.ValueOf(a).Comparable()) && a == b //nolint:errorlint // the very error
	})
}

func sameBackoff(a, b Backoff) bool {
	switch a.(type) {
	case nil, Fixed, Linear, Exponential:
		return a == b
	}
	// A back-off of somebody else's may hold what can't be compared.
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}
