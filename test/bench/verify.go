package bench

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Verify shows that the system really does what the row is about, on gateways
// made as the measured one is, but with a timeout that can be waited for and a
// bucket that can be emptied.
func (c Case) Verify() error {
	s := c.Row.Settings()
	s.After = 10 * time.Millisecond
	for _, check := range checks(s) {
		if check.empties {
			s.Burst, s.Rate = 4, 1e-3
		} else {
			s.Burst, s.Rate = settings().Burst, settings().Rate
		}
		target := &Target{}
		built, err := c.System.Build(target, s)
		if err != nil {
			return err
		}
		p := probe{context.Background(), c.System, built.Gateway, target, s}
		if err := check.run(p); err != nil {
			return fmt.Errorf("%s: %w", check.what, err)
		}
	}
	return nil
}

// confirm shows the same on the very gateway that was measured, as far as it
// can be waited for: what was timed was protected.
func (b *Bench) confirm() error {
	p := probe{b.ctx, b.System, b.built.Gateway, b.target, b.Row.Settings()}
	for _, check := range checks(p.s) {
		if check.empties || check.hangs || check.weighs {
			continue
		}
		if err := check.run(p); err != nil {
			return fmt.Errorf("%s: %w", check.what, err)
		}
	}
	return nil
}

// check shows one property of a gateway.
type check struct {
	what    string
	run     func(probe) error
	hangs   bool // until the timeout
	empties bool // the bucket
	weighs  bool // against the calls before
}

// checks lists what settings promise, mildest first: the last one leaves the
// breaker open.
func checks(s Settings) []check {
	list := []check{{what: "call", run: probe.passes}}
	if s.Timeout {
		list = append(list, check{what: "timeout", run: probe.timesOut, hangs: true})
	}
	if s.Retry {
		list = append(list, check{what: "retry", run: probe.retries})
	}
	if s.RateLimit {
		list = append(list, check{what: "rate limit", run: probe.limits, empties: true})
	}
	if s.Breaker {
		list = append(list, check{what: "circuit breaker", run: probe.trips, weighs: s.Share > 0})
	}
	return list
}

type probe struct {
	ctx     context.Context
	system  System
	gateway Gateway
	target  *Target
	s       Settings
}

// call makes one call to a target that does as script says, and returns how
// often it was reached.
func (p probe) call(script func(ctx context.Context) error) (reached int, err error) {
	var times atomic.Int64 // some peers run the target in a goroutine that they leave behind
	p.target.Script = func(ctx context.Context) error {
		times.Add(1)
		return script(ctx)
	}
	const amount = 42
	receipt, err := p.gateway.Charge(p.ctx, amount)
	if err == nil && receipt != amount {
		err = fmt.Errorf("the receipt is %d, want %d", receipt, amount)
	}
	return int(times.Load()), err
}

func succeed(context.Context) error { return nil }
func fail(context.Context) error    { return errTarget }

func (p probe) passes() error {
	var deadline time.Time
	var has bool
	start := time.Now()
	reached, err := p.call(func(ctx context.Context) error {
		deadline, has = ctx.Deadline()
		return nil
	})
	if err != nil || reached != 1 {
		return fmt.Errorf("it reached the target %d times and ended with %w", reached, orSuccess(err))
	}
	if want := p.s.Timeout && p.system.Hears == HearsDeadline; has != want {
		return fmt.Errorf("the target's context has a deadline: %v, want %v", has, want)
	}
	if has && (deadline.Before(start.Add(p.s.After)) || deadline.After(time.Now().Add(p.s.After))) {
		return fmt.Errorf("the target's context ends %v after the call began, want %v", deadline.Sub(start), p.s.After)
	}
	return nil
}

func (p probe) timesOut() error {
	end := make(chan struct{})
	defer close(end)
	_, err := p.call(func(ctx context.Context) error {
		if p.system.Hears == HearsNothing {
			<-end // nobody tells the target
			return errTarget
		}
		<-ctx.Done()
		return ctx.Err()
	})
	if err == nil {
		return errors.New("a target that hangs was waited for, and the call succeeded")
	}
	return nil
}

func (p probe) retries() error {
	attempts := 0
	reached, err := p.call(func(context.Context) error {
		if attempts++; attempts == 1 {
			return errTarget
		}
		return nil
	})
	if err != nil || reached != 2 {
		return fmt.Errorf("a target that failed once was reached %d times, and the call ended with %w", reached, orSuccess(err))
	}
	return nil
}

func (p probe) trips() error {
	// Some breakers learn of failures from a goroutine of theirs, which may
	// be late on a busy machine.
	const atLeast, patience = 1000, 2 * time.Second
	start := time.Now()
	for calls := 1; ; calls++ {
		reached, err := p.call(fail)
		switch {
		case err == nil:
			return errors.New("a call to a failing target succeeded")
		case reached == 0:
			return nil
		case calls < atLeast:
		case time.Since(start) > patience:
			return fmt.Errorf("after %d failures it still let calls pass", calls)
		default:
			time.Sleep(time.Millisecond)
		}
	}
}

func (p probe) limits() error {
	// A retry around the limit may wait for the next token, unless its caller
	// can't.
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	impatient := p
	impatient.ctx = ctx
	for range 2 * p.s.Burst {
		if reached, err := impatient.call(succeed); err != nil && reached == 0 {
			return nil
		}
	}
	return fmt.Errorf("with a burst of %d it let %d calls pass", p.s.Burst, 2*p.s.Burst)
}
