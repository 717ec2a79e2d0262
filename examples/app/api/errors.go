package api

import (
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/examples/app/jsonio"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// StatusClientClosedRequest is nginx's number for a client that did not wait
// for the answer. Nobody sees it but the logs.
const StatusClientClosedRequest = 499

// statusOf maps errors to HTTP. Domain errors come first: they are answers. The
// rest is what protection adds, and what is left of the dependency's own.
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
	case errors.Is(err, policy.ErrCancelled): // also by the customer's own deadline
		return StatusClientClosedRequest
	}
	status := cladhttp.Status(err)
	if _, ok := policy.RetryAfter(err); ok && status == http.StatusBadGateway {
		return http.StatusServiceUnavailable // the bank says when to come back
	}
	return status
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

// writeError tells what went wrong, and when it is worth asking again. It is
// cladhttp.WriteError with a body of the API's own, which lists mistakes.
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
