package cladsql

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// attempts is one operation on its way through one attempt or several.
type attempts[T any] struct {
	try func(context.Context) (T, error)
	*guards
	session   *session // of the connection, nil where there is none yet
	statement string   // what is executed, empty where that is nothing
	// keep ties the end of the attempt's context to a result that is still in
	// use after it; nil where none is.
	keep func(result T, release func()) T

	result T
	bad    error       // the driver's word that the connection is of no use
	over   *finalError // what must not be attempted again
}

// isDirect reports whether a runner has nothing to do.
func isDirect(r policy.Runner) bool {
	p, ours := r.(*container.Pipeline)
	return ours && p.Direct()
}

// run makes the attempts of an operation under a runner.
func run[T any](ctx context.Context, r policy.Runner, a *attempts[T]) (T, error) {
	if isDirect(r) {
		return a.try(ctx)
	}
	var err error
	if p, ours := r.(*container.Pipeline); ours {
		err = a.runIn(ctx, p)
	} else {
		err = r.Run(ctx, a.attempt)
	}
	if a.over != nil {
		a.over.during = false
	}
	if err == nil {
		return a.result, nil
	}
	var none T
	if a.bad != nil && errors.Is(err, a.bad) {
		return none, a.bad
	}
	return none, err
}

// runIn uses a pipeline of ours, whose contexts can be kept alive.
func (a *attempts[T]) runIn(ctx context.Context, p *container.Pipeline) (err error) {
	call := p.Begin(ctx)
	defer call.End()
	for call.Next(&err) {
		if err = a.attempt(call.Context()); err == nil && a.keep != nil {
			if release := call.Detach(); release != nil {
				a.result = a.keep(a.result, release)
			}
		}
	}
	return err
}

func (a *attempts[T]) attempt(ctx context.Context) error {
	if a.over != nil {
		return a.over // even if the policy's RetryIf thinks otherwise
	}
	if a.bad != nil {
		return policy.Permanent(a.bad)
	}
	result, err := a.try(ctx)
	switch {
	case err == nil:
		a.result = result
		return nil
	case errors.Is(err, driver.ErrBadConn):
		// It says nothing of the database, and here nothing can be done about it.
		a.bad = err
		return policy.Permanent(err)
	case a.answers(err):
		return policy.Permanent(err)
	}
	v := judge(err)
	switch {
	case v == answer:
		return policy.Permanent(err)
	case a.mayRepeat(v):
		return err
	}
	a.over = &finalError{err, true}
	return a.over
}

// mayRepeat reports whether another attempt may follow a failure.
func (a *attempts[T]) mayRepeat(v verdict) bool {
	switch {
	case a.session != nil && *a.session != idle:
		return false
	case a.statement == "":
		return true
	}
	return v == undone || a.repeat(a.statement)
}

// finalError marks the failure of what must not be attempted again, for as long
// as the operation lasts. What those around it attempt again is their business.
type finalError struct {
	err    error
	during bool
}

func (e *finalError) Error() string   { return e.err.Error() }
func (e *finalError) Unwrap() error   { return e.err }
func (e *finalError) Retryable() bool { return !e.during }
