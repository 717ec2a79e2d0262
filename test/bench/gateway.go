package bench

import (
	"context"
	"errors"
)

// Gateway is the dependency that every system protects. All of them are called
// through this interface, around the same target.
type Gateway interface {
	Charge(ctx context.Context, amount int) (receipt int, err error)
}

// usualAmount is what every timed call charges.
const usualAmount = 1

// Target is the dependency itself: it answers at once, so that what is measured
// is the wrapper. A Script makes it answer otherwise.
type Target struct {
	// Script is asked at each call, if it is set. It is not to be changed
	// while calls are under way.
	Script func(ctx context.Context) error
}

// Charge returns the amount.
func (t *Target) Charge(ctx context.Context, amount int) (int, error) {
	if t.Script != nil {
		if err := t.Script(ctx); err != nil {
			return 0, err
		}
	}
	return amount, nil
}

// errTarget is what a target fails with: a plain error, worth a retry.
var errTarget = errors.New("the target failed")
