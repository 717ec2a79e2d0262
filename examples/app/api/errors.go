package api

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/cladgo/clad/examples/app/jsonio"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// StatusClientClosedRequest is nginx's number for a client that did not wait
// for the answer. Nobody sees it but the logs.
const StatusClientClosedRequest = 499

// statusOf maps errors to HTTP. Domain errors come first: they are answers. Then
// what protection adds, then what is left of the dependency's own.
func statusOf(err error) int {
	switch {
	case is[*payments.InvalidError](err):
		return http.StatusBadRequest
	case is[*payments.DeclinedError](err):
		return http.StatusPaymentRequired
	case errors.Is(err, payments.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, payments.ErrConflict), errors.Is(err, payments.ErrOtherPayment):
		return http.StatusConflict
	case is[*payments.RefusedError](err):
		return http.StatusUnprocessableEntity

	case errors.Is(err, policy.ErrCancelled):
		return StatusClientClosedRequest
	case errors.Is(err, policy.ErrCircuitOpen):
		return http.StatusServiceUnavailable
	case errors.Is(err, policy.ErrRateLimited):
		return http.StatusTooManyRequests
	case errors.Is(err, policy.ErrTimeout):
		return http.StatusGatewayTimeout
	}
	if _, ok := policy.RetryAfter(err); ok { // the bank says when to come back
		return http.StatusServiceUnavailable
	}
	if policy.IsServiceUnavailable(err) {
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// failure is the body of an error.
type failure struct {
	Error    string           `json:"error"`
	Mistakes []jsonio.Mistake `json:"mistakes,omitempty"`
}

// writeError tells what went wrong, and when it is worth asking again.
func writeError(w http.ResponseWriter, err error) {
	if after, ok := policy.RetryAfter(err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(after.Seconds()))))
	}
	body := failure{Error: err.Error()}
	if invalid, ok := errors.AsType[*payments.InvalidError](err); ok {
		body.Error = "invalid request"
		for _, m := range invalid.Mistakes {
			body.Mistakes = append(body.Mistakes, jsonio.Mistake(m))
		}
	}
	jsonio.Write(w, statusOf(err), body)
}
