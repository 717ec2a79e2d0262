package cladhttp

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/cladgo/clad/policy"
)

// statusClientClosedRequest is what nginx made the custom for a request whose
// client has gone: nobody will see it but the access log.
const statusClientClosedRequest = 499

// Status returns the status of HTTP that says what err means to a client:
//
//	nil                              200
//	ErrCircuitOpen                   503
//	ErrRateLimited                   429
//	ErrBulkheadFull                  503
//	ErrTimeout, a passed deadline    504
//	ErrCancelled, context.Canceled   499 (504 where a deadline was the reason)
//	ErrRetriesExhausted              502 (503 where it is known when to come back)
//	*InfrastructureError             502 (503 where it is known when to come back)
//	*http.MaxBytesError              413
//	anything else                    500
//
// Retries are judged by what the last attempt ended with, if that is in the
// list. What the domain refused (policy.Permanent) is the handler's to map
// before: here it is anything else.
func Status(err error) int {
	var infrastructure *policy.InfrastructureError
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case policy.IsPermanent(err):
		return http.StatusInternalServerError
	case errors.Is(err, policy.ErrCancelled), errors.Is(err, context.Canceled):
		if errors.Is(err, context.DeadlineExceeded) {
			return http.StatusGatewayTimeout
		}
		return statusClientClosedRequest
	case errors.Is(err, policy.ErrCircuitOpen), errors.Is(err, policy.ErrBulkheadFull):
		return http.StatusServiceUnavailable
	case errors.Is(err, policy.ErrRateLimited):
		return http.StatusTooManyRequests
	case errors.Is(err, policy.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, policy.ErrRetriesExhausted), errors.As(err, &infrastructure):
		if _, ok := policy.RetryAfter(err); ok {
			return http.StatusServiceUnavailable
		}
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// WriteError answers a request with what err means to its client: the status of
// [Status], a Retry-After in whole seconds where err says when to come back, and
// a body of type application/problem+json (RFC 9457). The text of err is not in
// it: it speaks of the inside. Like [http.Error] it must be the only answer.
//
// Behind [Limit] it also says to the policy what err is: the open circuit of a
// dependency is no failure of the server, though its status is 503.
func WriteError(w http.ResponseWriter, err error) {
	noteError(w, err)
	status := Status(err)
	h := w.Header()
	h.Del("Content-Length") // of what was to be answered
	h.Set("Content-Type", "application/problem+json")
	h.Set("X-Content-Type-Options", "nosniff")
	if after, ok := policy.RetryAfter(err); ok {
		h.Set("Retry-After", strconv.FormatFloat(math.Ceil(float64(after)/float64(time.Second)), 'f', 0, 64))
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{statusText(status), status}) // the client may be gone
}

// problem is the body of an answer, as RFC 9457 has it.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
}
