package container

import "context"

// BeforeAttempt has before called right before every attempt of every operation
// that has a policy, innermost of all, with the context and in the goroutine of the
// attempt. An error takes the attempt's place: the dependency is not called, and
// the policy judges the error as if it came from there. What before waits for is
// time of the attempt. Given several times, the first that returns an error decides.
//
// It is for faults that are made on purpose: in tests, where package cladtest does
// so, and for exercises. Who gives none pays nothing.
func BeforeAttempt(before func(ctx context.Context, operation string) error) Option {
	return optionFunc(func(o *options) { o.events.before = append(o.events.before, before) })
}

// attempt lets an attempt go ahead, or ends it as if the dependency had.
func (c *Call) attempt(errp *error) bool {
	if c.made++; c.made == 1 && c.prog.budget != nil {
		c.prog.budget.Operation(c.clock())
	}
	if last := len(c.prog.steps) - 1; last >= 0 && c.prog.steps[last].kind == hedgeLayer {
		return true // those within it are attempts
	}
	for _, before := range c.prog.events.before {
		if err := before(c.ctx, c.prog.operation); err != nil {
			*errp = err
			return c.next(errp)
		}
	}
	return true
}
