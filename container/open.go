package container

import (
	"context"
	"errors"
	"reflect"
	"runtime"
)

// Opening is an attempt that opens what goes on after the call: a watch, a
// subscription, a transaction, a context. The policy's timeouts bound the
// opening, and not what was opened.
type Opening struct {
	ctx    context.Context
	caller context.Context
	cancel context.CancelCauseFunc // nil where there is no timeout
	stop   func() bool             // following the attempt's context
}

// Open begins the attempt at hand as an opening. Generated proxies use it so:
//
//	for call.Next(&err) {
//		opening := call.Open()
//		events, err = next.Watch(opening.Context(), key)
//		opening.End(err)
//	}
func (c *Call) Open() Opening {
	if c.prog == nil || !c.bounded() {
		return Opening{ctx: c.ctx}
	}
	attempt := c.ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(attempt))
	stop := context.AfterFunc(attempt, func() { cancel(context.Cause(attempt)) })
	if d, ok := c.caller.Deadline(); ok {
		within, free := context.WithDeadline(ctx, d)
		whole := cancel
		ctx, cancel = within, func(cause error) { whole(cause); free() }
	}
	return Opening{opened{ctx}, c.caller, cancel, stop}
}

// bounded reports whether a timeout of the policy is in force.
func (c *Call) bounded() bool {
	for i := range c.prog.steps {
		if s := &c.prog.steps[i]; s.kind == timeoutLayer && *c.context(s.slot) != nil {
			return true
		}
	}
	return false
}

// Context is the context to open with. It ends with the attempt's, as long as
// that is under way; afterwards only with the caller's. As it may outlive the
// policy's timeouts, it does not tell their deadline.
func (o *Opening) Context() context.Context { return o.ctx }

// End says how the attempt went: with nil, what it opened goes on, and with it
// the context; with an error the context ends.
func (o *Opening) End(err error) { o.follow(err) }

// Hold is End for a result that is used by its own methods alone: a transaction,
// a connection. The context ends as soon as nobody has the result any more, so
// that many of them under one long-lived context of the caller add up to nothing.
func (o *Opening) Hold(result any, err error) {
	if !o.follow(err) {
		return
	}
	v := reflect.ValueOf(result)
	if v.Kind() == reflect.Pointer && v.Elem().Kind() == reflect.Struct {
		runtime.AddCleanup((*byte)(v.UnsafePointer()), func(cancel context.CancelCauseFunc) { cancel(nil) }, o.cancel)
	}
}

// follow leaves the context to the caller's, or ends it, and reports whether there
// is something to follow.
func (o *Opening) follow(err error) bool {
	if o.cancel == nil {
		return false
	}
	o.stop()
	if err != nil {
		o.cancel(nil)
		return false
	}
	caller, cancel := o.caller, o.cancel
	if caller.Done() == nil {
		return false
	}
	unfollow := context.AfterFunc(caller, func() { cancel(context.Cause(caller)) })
	o.cancel = func(cause error) { unfollow(); cancel(cause) }
	return true
}

// opened is a context that was cancelled when a deadline passed, and says so.
type opened struct{ context.Context }

func (o opened) Err() error {
	err := o.Context.Err()
	if err != nil && errors.Is(context.Cause(o.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}
