package cladhttp

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"time"
	"unsafe"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// What a request tells its server, for FromCaller there.
const (
	headerRetriesLeft = "Clad-Retries-Left" // whole number, 0 or more: the caller retries
	headerTimeout     = "Clad-Timeout-Ms"   // whole milliseconds until the caller's deadline
	headerCriticality = "Clad-Criticality"  // sheddable; everything else is essential
)

// hints are what an attempt tells the server. The zero value is nothing.
type hints struct {
	retries   bool
	left      int           // of them
	timeout   time.Duration // 0 for none
	sheddable bool
}

// tooShort is the timeout of a deadline that is less than a millisecond away: no
// answer will be there in time.
const tooShort = -1

// hintsFor returns what the server is to know of an attempt in ctx: that its caller
// retries, be it this one or one further out, when the deadline is, and what it is
// worth.
func (x *exchange) hintsFor(ctx context.Context, call *container.Call) hints {
	h := hints{timeout: timeoutOf(ctx)}
	if x.silent {
		h.timeout = min(h.timeout, 0)
		return h
	}
	h.sheddable = policy.CriticalityOf(ctx) == policy.Sheddable
	h.left, h.retries = policy.CallerRetries(ctx)
	if !h.retries && call != nil && x.repeatable(false) {
		h.left, h.retries = call.RetriesLeft()
	}
	if !h.retries {
		h.left, h.retries = x.around.left, x.around.retries
	}
	return h
}

func timeoutOf(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	if timeout := time.Until(deadline).Truncate(time.Millisecond); timeout > 0 {
		return timeout
	}
	return tooShort
}

// headerValues are what the headers of an attempt share. They are not written to
// once they are there.
type headerValues struct {
	text   [4]string
	digits [8]byte // of the milliseconds: more take memory of their own
}

// write adds them, and the key if there is one, to the headers of a request, which must
// be its own.
func (h hints) write(req *http.Request, key idempotencyKey, v *headerValues) {
	values := &v.text
	if h.retries {
		values[0] = strconv.Itoa(h.left)
		req.Header[headerRetriesLeft] = values[0:1:1]
	}
	if h.timeout > 0 {
		digits := strconv.AppendInt(v.digits[:0], h.timeout.Milliseconds(), 10)
		values[1] = unsafe.String(unsafe.SliceData(digits), len(digits))
		req.Header[headerTimeout] = values[1:2:2]
	}
	if h.sheddable {
		values[3] = policy.Sheddable.String()
		req.Header[headerCriticality] = values[3:4:4]
	}
	if key.value != "" {
		values[2] = key.value
		req.Header[key.header] = values[2:3:3]
	}
}

// passOn returns a request that no policy is for as it is to be sent: where the
// caller's own caller retries, or the request may be shed, the server hears of that.
func (t *transport) passOn(req *http.Request) *http.Request {
	if t.silent {
		return req
	}
	ctx := req.Context()
	left, retries := policy.CallerRetries(ctx)
	sheddable := policy.CriticalityOf(ctx) == policy.Sheddable
	if !retries && !sheddable {
		return req
	}
	passed := *req
	if passed.Header = maps.Clone(req.Header); passed.Header != nil {
		hints{retries, left, timeoutOf(ctx), sheddable}.write(&passed, idempotencyKey{}, &headerValues{})
	}
	return &passed
}

// awaitDeadline waits for a deadline that is less than a millisecond away.
func awaitDeadline(ctx context.Context) error {
	deadline, _ := ctx.Deadline()
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return context.DeadlineExceeded
}
