package bench

import (
	"context"
	"errors"
	"fmt"
)

// scenario is what happens to the calls of a row.
type scenario struct {
	arrange func(b *Bench) error // before the first measurement
	confirm func(b *Bench) error // after the last one
	alone   bool                 // calls can't be made at once
}

// succeeds: every call reaches the target once and succeeds.
var succeeds = scenario{
	arrange: func(*Bench) error { return nil },
	confirm: (*Bench).confirm,
}

// isOpen: the breaker is open, and no call reaches the target.
var isOpen = scenario{
	arrange: func(b *Bench) error {
		b.target.Script = func(context.Context) error { return errTarget }
		return b.exhaust()
	},
	confirm: rejectsAll,
}

// isLimited: the bucket is empty, and no call reaches the target.
var isLimited = scenario{arrange: (*Bench).exhaust, confirm: rejectsAll}

// secondAttempt: the first attempt of every call fails, the second succeeds.
var secondAttempt = scenario{
	arrange: func(b *Bench) error {
		attempts := 0
		b.target.Script = func(context.Context) error {
			if attempts++; attempts%2 == 1 {
				return errTarget
			}
			return nil
		}
		return nil
	},
	confirm: (*Bench).confirm,
	alone:   true,
}

// exhaust calls until the target is no longer reached.
func (b *Bench) exhaust() error {
	const most = 10_000
	reached, script := 0, b.target.Script
	b.target.Script = func(ctx context.Context) error {
		reached++
		if script != nil {
			return script(ctx)
		}
		return nil
	}
	rejected := 0 // in a row: some systems reject by chance at first
	for range most {
		before := reached
		_, err := b.built.Gateway.Charge(b.ctx, 1)
		b.calls++
		if reached > before {
			rejected = 0
			continue
		}
		if err == nil {
			return errors.New("a call that did not reach the target succeeded")
		}
		if rejected++; rejected == 3 {
			b.fails = true
			b.target.Script = nil
			return nil
		}
	}
	return fmt.Errorf("nothing was rejected in %d calls", most)
}

func rejectsAll(b *Bench) error {
	reached := false
	b.target.Script = func(context.Context) error { reached = true; return nil }
	if _, err := b.built.Gateway.Charge(b.ctx, 1); err == nil || reached {
		return fmt.Errorf("a call was to be rejected; target reached: %v, end: %w", reached, orSuccess(err))
	}
	return nil
}
