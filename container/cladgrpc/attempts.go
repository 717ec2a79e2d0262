package cladgrpc

import (
	"context"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc/status"
)

// meaning is what the error of an attempt means to a policy.
type meaning struct {
	verdict policy.Verdict
	final   bool // there is to be no further attempt
	known   bool // it is part of an event that breakers know of
}

// retries says whether a policy retries a call where that fails, how many more
// attempts there may be, and in which metadata they bear one key, if in any.
type retries struct {
	left int
	any  bool
	key  string
}

// attempt makes one attempt of a call.
type attempt func(context.Context, retries) (meaning, error)

// run makes the attempts of a call under a runner.
func run(ctx context.Context, r policy.Runner, try attempt) error {
	p, ours := r.(*container.Pipeline)
	if !ours {
		return runElsewhere(ctx, r, try)
	}
	return withStatus(runIn(ctx, p, try))
}

func runIn(ctx context.Context, p *container.Pipeline, try attempt) (err error) {
	call := p.BeginAlone(ctx)
	defer call.End()
	for call.Next(&err) {
		var m meaning
		if m, err = try(call.Context(), retriesOf(&call)); err != nil {
			m.tell(&call)
		}
	}
	return err
}

func retriesOf(call *container.Call) (more retries) {
	more.left, more.any = call.RetriesLeft()
	more.key = call.IdempotencyKey()
	return more
}

func (m meaning) tell(call *container.Call) {
	if m.known {
		call.Neutral()
	} else {
		call.Judge(m.verdict)
	}
	if m.final {
		call.Stop()
	}
}

// runElsewhere is run for runners of another making, which are told what an
// error means by the error itself.
func runElsewhere(ctx context.Context, r policy.Runner, try attempt) error {
	var last *judged
	err := r.Run(ctx, func(ctx context.Context) error {
		if last != nil && last.final { // even if they attempt it once more
			return last
		}
		m, err := try(ctx, retries{})
		if err == nil {
			return nil
		}
		last = &judged{err, m, true}
		return last
	})
	if last != nil {
		last.during = false
		if err == last { //nolint:errorlint // nobody has added anything to it
			err = last.err
		}
	}
	return withStatus(err)
}

// judged is the error of an attempt with what it means.
type judged struct {
	err error
	meaning
	during bool // the call goes on; what those around it attempt again is their business
}

func (e *judged) Error() string           { return e.err.Error() }
func (e *judged) Unwrap() error           { return e.err }
func (e *judged) Verdict() policy.Verdict { return e.verdict }
func (e *judged) Retryable() bool         { return !e.final || !e.during }

// GRPCStatus returns the status of what failed: a wrapper must not hide it.
func (e *judged) GRPCStatus() *status.Status { return Status(e.err) }

// later is the error of a server that says when to come back.
type later struct {
	err   error
	after time.Duration
}

func (e *later) Error() string              { return e.err.Error() }
func (e *later) Unwrap() error              { return e.err }
func (e *later) RetryAfter() time.Duration  { return e.after }
func (e *later) GRPCStatus() *status.Status { return Status(e.err) }
