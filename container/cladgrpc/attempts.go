package cladgrpc

import (
	"context"
	"time"

	"github.com/cladgo/clad/policy"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// callError is the failure of an attempt, as a retry sees it.
type callError struct {
	err    error
	after  time.Duration
	final  bool // it must not be attempted again
	during bool // the call goes on; what those around it attempt again is their business
}

func (e *callError) Error() string             { return e.err.Error() }
func (e *callError) Unwrap() error             { return e.err }
func (e *callError) Retryable() bool           { return !e.final || !e.during }
func (e *callError) RetryAfter() time.Duration { return e.after }

// GRPCStatus returns the status of what failed: a wrapper must not hide it.
func (e *callError) GRPCStatus() *status.Status { return Status(e.err) }

// attempts is one call on its way through one attempt or several.
type attempts struct {
	last *callError // how the last attempt ended
}

// over returns the failure of what must not be attempted again, if there was one,
// whatever the policy's RetryIf thinks of it.
func (a *attempts) over() error {
	if a.last == nil || !a.last.final {
		return nil
	}
	return a.last
}

// failed returns the error of an attempt in ctx as the policy is to see it.
func (a *attempts) failed(ctx context.Context, err error, repeat func() bool) error {
	s := Status(err)
	if isAnswer(s.Code()) || s.Code() == codes.Canceled && ctx.Err() == nil {
		return policy.Permanent(err)
	}
	a.last = &callError{err: err, after: retryAfter(s), during: true}
	a.last.final = !repeat()
	return a.last
}

// end returns what the caller gets.
func (a *attempts) end(err error) error {
	if a.last != nil {
		a.last.during = false
	}
	return withStatus(err)
}
