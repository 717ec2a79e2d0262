package cladhttp

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cladgo/clad/policy"
)

// FromCaller is a middleware that has a handler's work heed what the caller of a
// request says of itself, as clients of this package do:
//
//	Clad-Retries-Left: 2    it repeats the request where that fails, twice more at most
//	Clad-Timeout-Ms: 1500   it waits no longer than that
//	Clad-Criticality: sheddable   it can do without, if others could not be served else
//
// While a request of a caller that retries is served, a policy.Retry in its context
// makes one attempt: five services in a row that each make three would ask the
// last 243 times. The one that retries is the outermost, which alone knows whether
// somebody still waits; see policy.WithCallerRetries for a step that is to be
// repeated here all the same.
//
// The deadline is that of the request's context, and travels on in what is sent in
// it. When it passes, the context is cancelled, as it is when a client hangs up, and
// says as little to circuit breakers. A request that comes too late is answered
// with 504, and never reaches the handler.
//
// What a request that may be shed calls is sheddable as well (policy.WithCriticality),
// and so is the request itself to a [Limit] within. Every other request is what the
// context says, essential as a rule: there is no header by which a caller makes
// itself worth more.
//
// None of these can do more than a client can that hangs up early and never tries again,
// so the headers need not be kept from outsiders. What is malformed is ignored, and
// a deadline never moves a nearer one.
func FromCaller(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx := req.Context()
		if left, ok := number(req.Header, headerRetriesLeft); ok {
			ctx = policy.WithCallerRetries(ctx, left)
		}
		if said := req.Header[headerCriticality]; len(said) == 1 && said[0] == policy.Sheddable.String() {
			ctx = policy.WithCriticality(ctx, policy.Sheddable)
		}
		if ms, ok := number(req.Header, headerTimeout); ok {
			if ms == 0 {
				WriteError(w, context.DeadlineExceeded)
				return
			}
			var cancel context.CancelFunc
			ctx, cancel = untilHungUp(ctx, time.Duration(ms)*time.Millisecond)
			defer cancel()
		}
		if ctx != req.Context() {
			req = req.WithContext(ctx)
		}
		next.ServeHTTP(w, req)
	})
}

// number reads a header of digits alone: nine at most, which are eleven days in
// milliseconds.
func number(h http.Header, name string) (n int, ok bool) {
	values := h[name]
	if len(values) != 1 || len(values[0]) > 9 {
		return 0, false
	}
	parsed, err := strconv.ParseUint(values[0], 10, 32)
	return int(parsed), err == nil
}

var errHungUp = errors.New("the time that the caller waits for an answer has passed")

// hungUp is a context that knows its deadline, and is cancelled by it, as if the
// caller had hung up: a deadline that is passed would say that the dependency was
// slow, and this one anybody may set.
type hungUp struct {
	context.Context
	at     time.Time
	cancel context.CancelCauseFunc
}

// untilHungUp returns the context of a request whose caller waits for so long. One
// that ends earlier anyway is returned as it is.
func untilHungUp(ctx context.Context, wait time.Duration) (context.Context, context.CancelFunc) {
	at := time.Now().Add(wait)
	if deadline, ok := ctx.Deadline(); ok && !deadline.After(at) {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(wait, func() { cancel(errHungUp) })
	return &hungUp{ctx, at, cancel}, func() {
		timer.Stop()
		cancel(nil)
	}
}

func (c *hungUp) Deadline() (time.Time, bool) { return c.at, true }

// Err is asked by those who heard of the deadline before the timer fired.
func (c *hungUp) Err() error {
	if !time.Now().Before(c.at) {
		c.cancel(errHungUp)
	}
	return c.Context.Err()
}
