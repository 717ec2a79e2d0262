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

// statusOf maps errors to HTTP. Domain errors come first: they are answers, which
// only the domain can tell. The rest is what protection adds, and what is left of
// the dependency's own.
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
	}
	return cladhttp.Status(err)
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
// cladhttp.WriteError with a body of the API's own, which says why and lists
// mistakes.
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
