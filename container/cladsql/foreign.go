package cladsql

import (
	"context"

	"github.com/cladgo/clad/policy"
)

// runUnder carries the operation out under a runner that is not a pipeline of
// ours: its errors carry what they mean on the way through.
func (o *operation) runUnder(r policy.Runner) error {
	own := *o // what the runner may hold on to is not on the stack
	var last *markedError
	err := r.Run(own.ctx, func(ctx context.Context) error {
		if last != nil && last.final {
			return last // even if the policy's RetryIf thinks otherwise
		}
		err := own.attempt(ctx)
		if err == nil {
			last = nil
			return nil
		}
		m := own.judge(ctx, err)
		last = &markedError{err, m.verdict, m.final, true}
		return last
	})
	*o = own
	if last == nil {
		return err
	}
	last.during = false
	if err == error(last) { //nolint:errorlint // nobody has added anything
		return last.err
	}
	return err
}

// markedError carries through a runner what an error means. What those around the
// operation attempt again is their business.
type markedError struct {
	err     error
	verdict policy.Verdict
	final   bool // no attempt may follow
	during  bool // the operation lasts
}

func (e *markedError) Error() string           { return e.err.Error() }
func (e *markedError) Unwrap() error           { return e.err }
func (e *markedError) Verdict() policy.Verdict { return e.verdict }
func (e *markedError) Retryable() bool {
	return !e.during || !e.final && e.verdict != policy.Answered && e.verdict != policy.Refused
}
