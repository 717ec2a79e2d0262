package cladhttp

import (
	"context"
	"net/http"

	"github.com/cladgo/clad/policy"
)

// Limit returns a middleware that serves each request under the policy of r.
// What the policy turns away is answered by [WriteError] and never reaches the
// handler.
//
// A timeout is a deadline on the request's context. A handler that heeds it, and
// returns without having written anything, is answered for with 504; one that
// does not is waited for, and what it writes is what the client gets. Reading a
// slow request's body is not bounded by it; [http.Server] has ReadTimeout for
// that.
//
// A response with a status of 5xx is a failure to a circuit breaker, unless it was
// written by [WriteError], whose error then decides. 501 and 505 say nothing of the
// server, nor does what fails because the request's body broke off or stalled on
// its way in. 4xx is an answer. A handler is never run twice, whatever the policy
// says of retries. Nothing is buffered: the handler's ResponseWriter streams, and
// can be flushed and hijacked where the server's can.
func Limit(r policy.Runner) func(http.Handler) http.Handler {
	if r == nil {
		panic("cladhttp.Limit: the runner is nil; take one from an orchestrator's Pipeline or For")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			s := &serving{next: next, req: req, response: response{ResponseWriter: w}}
			if err := r.Run(req.Context(), s.serve); err != nil && s.response.status == 0 {
				WriteError(w, err)
			}
		})
	}
}

// serving is one request on its way through a handler.
type serving struct {
	next     http.Handler
	req      *http.Request
	upload   upload // the request's body, if it has one
	response response
	over     error // what the handler ended with
}

func (s *serving) serve(ctx context.Context) error {
	if s.over != nil {
		return s.over // even if the policy's RetryIf thinks otherwise
	}
	req := s.req.WithContext(ctx)
	if hasBody(req) {
		s.upload.ReadCloser = req.Body
		req.Body = &s.upload
	}
	s.next.ServeHTTP(s.response.face(), req)
	err, verdict := s.response.err, policy.Unknown
	switch status := s.response.status; {
	case err != nil:
	case status >= 500:
		err = &StatusError{StatusCode: status}
		if unchangeable(status) {
			verdict = policy.Refused
		}
	case status >= 400:
		err, verdict = &StatusError{StatusCode: status}, policy.Answered
	case status == 0:
		err = ctx.Err() // without that, nothing written is an empty 200
	}
	if err == nil {
		return nil
	}
	if verdict == policy.Unknown && s.upload.stopped(ctx) {
		verdict = policy.Refused // by the client
	}
	s.over = &finalError{err, verdict}
	return s.over
}
