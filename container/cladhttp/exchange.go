package cladhttp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// exchange is one request on its way through one attempt or several.
type exchange struct {
	*transport
	req    *http.Request
	repeat bool // the request is safe to repeat

	attempts int
	over     error          // what a request ended with that must not be sent again
	resp     *http.Response // of the last attempt, until it is discarded
	status   *StatusError   // what resp counts as, nil for a success
	buffered bool           // resp.Body needs no context any more
	release  func()         // ends the contexts of the attempts, nil where none was kept
}

// runIn sends the request through a pipeline of ours, whose contexts can be kept
// alive for a body that is read after the call.
func (x *exchange) runIn(p *container.Pipeline) (err error) {
	call := p.Begin(x.req.Context())
	defer call.End()
	for call.Next(&err) {
		err = x.attempt(call.Context())
		if x.streaming() {
			x.keep(call.Detach())
		}
	}
	return err
}

// attempt sends the request once.
func (x *exchange) attempt(ctx context.Context) error {
	if x.over != nil {
		return x.over // even if the policy's RetryIf thinks otherwise
	}
	x.discard()
	req, err := x.request(ctx)
	if err != nil {
		return x.last(err)
	}
	x.attempts++
	resp, err := x.transport.Unwrap().RoundTrip(req)
	if err != nil {
		return x.failed(err)
	}
	x.resp = resp
	if !x.fails(resp) {
		return nil
	}
	x.status = newStatusError(resp)
	err = x.failed(x.status)
	if x.over == nil {
		// Another attempt may follow: the connection should be free for it.
		x.buffered = buffer(resp)
	}
	return err
}

// request makes the request for an attempt: the caller's own stays as it is.
func (x *exchange) request(ctx context.Context) (*http.Request, error) {
	req := x.req.WithContext(ctx)
	if x.attempts == 0 || !hasBody(x.req) {
		return req, nil
	}
	body, err := x.req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("cladhttp: the request's body cannot be sent again: GetBody: %w", err)
	}
	req.Body = body
	return req, nil
}

// failed returns the error of an attempt, marked if it was the last one that is
// allowed.
func (x *exchange) failed(err error) error {
	replayable := !hasBody(x.req) || x.req.GetBody != nil
	if replayable && (x.repeat || neverSent(err)) {
		return err
	}
	return x.last(err)
}

func (x *exchange) last(err error) error {
	x.over = &finalError{err}
	return x.over
}

// streaming reports whether the response's body still needs the attempt's context.
func (x *exchange) streaming() bool {
	return x.resp != nil && x.resp.Body != nil && x.resp.Body != http.NoBody && !x.buffered
}

// discard gives up the response at hand, because another attempt follows or an
// error stands in its place.
func (x *exchange) discard() {
	if x.resp != nil && x.resp.Body != nil {
		_ = x.resp.Body.Close()
	}
	x.resp, x.status, x.buffered = nil, nil, false
}

// finish returns what the caller gets: the server's answer where that is what
// the exchange ended with, and an error where clad stopped it.
func (x *exchange) finish(err error) (*http.Response, error) {
	if x.attempts == 0 {
		closeBody(x.req) // as every RoundTripper must
	}
	if x.resp != nil && (err == nil || x.answered(err)) {
		if x.streaming() && x.release != nil {
			x.resp.Body = tie(x.resp.Body, x.release)
		} else {
			x.end()
		}
		return x.resp, nil
	}
	x.discard()
	x.end()
	return nil, err
}

// answered reports whether the operation failed for what the server answered, and
// for nothing else.
func (x *exchange) answered(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status == x.status &&
		!errors.Is(err, policy.ErrTimeout) && !errors.Is(err, policy.ErrCancelled) &&
		!errors.Is(err, policy.ErrCircuitOpen) && !errors.Is(err, policy.ErrRateLimited)
}

// keep notes how to end the contexts of the attempt at hand, besides those of
// attempts before it.
func (x *exchange) keep(release func()) {
	if before := x.release; before != nil && release != nil {
		x.release = func() { before(); release() }
	} else if release != nil {
		x.release = release
	}
}

func (x *exchange) end() {
	if x.release != nil {
		x.release()
	}
}

// neverSent reports whether a request that failed so cannot have reached the
// server, because there was no connection to send it on.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// finalError marks the failure of what must not be attempted again.
type finalError struct{ err error }

func (e *finalError) Error() string   { return e.err.Error() }
func (e *finalError) Unwrap() error   { return e.err }
func (e *finalError) Retryable() bool { return false }
