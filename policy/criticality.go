package policy

import (
	"context"
	"fmt"
)

// Criticality says what a call is worth when not all calls can be served:
// a [Bulkhead] and a [RateLimit] keep their Reserve for essential calls, and turn
// the others away first. Where neither has a Reserve it changes nothing.
type Criticality uint8

const (
	// Essential is what every call is of which nothing else is said.
	Essential Criticality = iota
	// Sheddable is a call that may be turned away for the sake of others: a
	// prefetch, a report, a recommendation.
	Sheddable
)

func (c Criticality) String() string {
	switch c {
	case Essential:
		return "essential"
	case Sheddable:
		return "sheddable"
	default:
		return fmt.Sprintf("Criticality(%d)", uint8(c))
	}
}

type criticalityKey struct{}

// WithCriticality returns a context whose calls are worth c. [Execute] does so for
// an [Operation] that says of itself that it is not critical.
func WithCriticality(ctx context.Context, c Criticality) context.Context {
	return context.WithValue(ctx, criticalityKey{}, c)
}

// CriticalityOf returns what calls in ctx are worth: what [WithCriticality] said
// last, [Essential] where it said nothing.
func CriticalityOf(ctx context.Context) Criticality {
	c, _ := ctx.Value(criticalityKey{}).(Criticality)
	return c
}
