package cladhttp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/verdict"
	"github.com/cladgo/clad/internal/refusal"
	"github.com/cladgo/clad/policy"
)

// exchange is one request on its way through one attempt or several. What the
// first attempt needs, and the response's body, are part of it: a request costs
// one allocation more than it would without.
type exchange struct {
	*transport
	req    *http.Request   // the caller's
	ctx    context.Context // the caller's
	stop   func()          // ends ctx, where that was made here
	repeat bool            // the request is safe to repeat
	hints  hints           // what the server is told at the attempt at hand
	around hints           // of retries, by the exchange that this is a hedge of
	key    idempotencyKey

	attempts int
	began    uint64         // of the losses, at the attempt at hand
	last     error          // of the attempt before
	sent     *http.Request  // at the attempt at hand
	upload   *upload        // its body, nil where there is no need to watch it
	resp     *http.Response // of the last attempt, until it is let go
	status   *StatusError   // what resp counts as, nil for a success
	final    bool           // the request must not be sent again
	kept     bool           // the attempt failed, and its contexts live on for resp.Body

	first struct {
		request http.Request
		upload  upload
		values  headerValues
	}
	body body
}

// outcome is how an attempt ended, and what that means.
type outcome struct {
	err     error
	verdict policy.Verdict // Unknown leaves it to the error
	neutral bool           // it says nothing of the server
	final   bool           // the request must not be sent again
}

func (t *transport) exchange(req *http.Request, repeat bool) *exchange {
	x := &exchange{transport: t, req: req, repeat: repeat}
	x.ctx, x.stop = cancellable(req)
	return x
}

// runIn sends the request through a pipeline of ours.
func (x *exchange) runIn(p *container.Pipeline, partition string) error {
	call := x.begin(p)
	defer call.End()
	call.Partition(partition)
	x.identify(call.IdempotencyKey())
	return x.runUnder(&call)
}

// runUnder makes the attempts of a call.
func (x *exchange) runUnder(call *container.Call) (err error) {
	for call.Next(&err) {
		x.kept = false
		var o outcome
		if h := call.Hedge(); h != nil {
			o = x.hedge(call, h)
		} else {
			x.hints = x.hintsFor(call.Context(), call)
			o = x.attempt(call.Context())
		}
		err = o.err
		switch {
		case o.neutral:
			call.Neutral()
		case o.verdict != policy.Unknown:
			call.Judge(o.verdict)
		}
		if x.final = o.final; o.final {
			call.Stop()
		}
		switch resp := x.resp; {
		case resp == nil || !hasContent(resp): // all is said
		case switched(resp):
			call.Detach() // a connection of its own from now on
		case err == nil || o.verdict == policy.Answered:
			x.body.begin(resp.Body, err)
			x.body.of = x
			resp.Body, err = &x.body, nil
			call.Defer(&x.body.pending)
		default:
			call.Detach()
			call.BeforeRetry(x.letGo)
			x.kept = true
		}
	}
	if x.kept {
		call.Defer(&x.body.pending)
	}
	return err
}

// runOutside sends the request through a runner of another making, which is told
// by the error itself what that means.
func (x *exchange) runOutside(r policy.Runner) error {
	var over error
	err := r.Run(x.ctx, func(ctx context.Context) error {
		if over != nil {
			return over // whatever the runner thinks of it
		}
		x.hints = x.hintsFor(ctx, nil)
		o := x.attempt(ctx)
		if o.err == nil || o.verdict == policy.Unknown && !o.final {
			return o.err
		}
		over = &finalError{o.err, o.verdict}
		return over
	})
	if final, ok := err.(*finalError); ok { //nolint:errorlint // nothing was stopped: what is in it comes out as it was
		return final.err
	}
	return err
}

// attempt sends the request once.
func (x *exchange) attempt(ctx context.Context) outcome {
	x.letGo()
	if x.hints.timeout == tooShort {
		return outcome{err: awaitDeadline(ctx)}
	}
	req, err := x.request(ctx)
	if err != nil {
		return outcome{err: err, verdict: policy.Refused}
	}
	x.attempts++
	x.began = x.losses.now()
	stop := x.upload.closeWith(ctx)
	resp, err := x.Unwrap().RoundTrip(req) //nolint:bodyclose // that is for the caller, or for letGo
	stop()
	if err == nil && resp == nil {
		err = errNoResponse
	}
	if err != nil {
		x.last = err
		return x.failed(err)
	}
	x.resp = resp
	x.returnRequest(ctx, resp)
	o := outcome{verdict: x.verdict(resp)}
	if o.verdict != policy.Unknown {
		x.status = newStatusError(resp)
		o.err, x.last = x.status, x.status
		o.final = !x.repeatable(false)
	}
	o.verdict = forPolicy(o.verdict)
	return o
}

// forPolicy is the verdict on an answer that a policy is told: none on a failure,
// since its RetryIf may know better.
func forPolicy(v policy.Verdict) policy.Verdict {
	if v == policy.Failed {
		return policy.Unknown
	}
	return v
}

// failed says what it means that an attempt got no answer.
func (x *exchange) failed(err error) outcome {
	means := verdict.Of(&url.Error{Err: err}) // as http.Client has it, whose errors say more
	o := outcome{err: err, final: means.Final || !x.repeatable(means.NoEffect)}
	switch {
	case x.upload.brokeOff(err), means.Verdict == policy.Refused, isFileError(err):
		o.verdict = policy.Refused
	case x.sent.Context().Err() != nil:
		o.neutral = x.upload.waiting()
	default:
		o.neutral = x.losses.known(x.req.URL.Host, x.began, err)
	}
	return o
}

// repeatable reports whether the request may be sent again, where it may have had
// its effect or certainly has not.
func (x *exchange) repeatable(noEffect bool) bool {
	replayable := !hasBody(x.req) || x.req.GetBody != nil
	return replayable && (x.repeat || noEffect)
}

// finish returns what the caller gets: the server's answer where that is what
// the exchange ended with, and an error where clad stopped it.
func (x *exchange) finish(err error) (*http.Response, error) {
	if x.attempts == 0 {
		closeBody(x.req) // as every RoundTripper must
	}
	if x.resp == nil || err != nil && !x.answered(err) {
		x.close() // an error stands in its place
		x.end()
		return nil, err
	}
	switch resp := x.resp; {
	case resp.Body == &x.body:
		x.body.release = x.stop
	case !hasContent(resp):
		x.end()
	case (x.kept || x.stop != nil) && !switched(resp):
		x.body.begin(resp.Body, nil)
		x.body.release = x.stop
		resp.Body = &x.body
	}
	return x.resp, nil
}

// answered reports whether the operation failed for what the server answered, and
// for nothing else.
func (x *exchange) answered(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status == x.status &&
		!errors.Is(err, policy.ErrTimeout) && !errors.Is(err, policy.ErrCancelled) &&
		!refusal.Is(err)
}

// letGo gives up the response at hand, because another attempt follows. Its
// connection can be used for that if what is left of it is short and there soon.
func (x *exchange) letGo() {
	if x.resp == nil {
		return
	}
	if hasContent(x.resp) && x.resp.ContentLength <= longestDrain {
		body := x.resp.Body
		timer := time.AfterFunc(timeToDrain, func() { _ = body.Close() })
		_, _ = io.CopyN(io.Discard, body, longestDrain)
		timer.Stop()
	}
	x.close()
}

const (
	longestDrain = 64 << 10
	timeToDrain  = 50 * time.Millisecond
)

func (x *exchange) close() {
	if x.resp != nil && x.resp.Body != nil {
		_ = x.resp.Body.Close()
	}
	x.resp, x.status = nil, nil
}

// end ends the contexts that nobody needs any more.
func (x *exchange) end() {
	_ = x.body.pending.Finish(nil, policy.Unknown)
	if x.stop != nil {
		x.stop()
	}
}

var errNoResponse = policy.Permanent(errors.New("cladhttp: the RoundTripper returned neither a response nor an error"))

// hasContent reports whether a response has a body that is yet to be read.
func hasContent(resp *http.Response) bool { return resp.Body != nil && resp.Body != http.NoBody }

// switched reports whether a response is the beginning of another protocol, and
// its body the connection.
func switched(resp *http.Response) bool {
	_, writable := resp.Body.(io.Writer)
	return writable || resp.StatusCode == http.StatusSwitchingProtocols
}
