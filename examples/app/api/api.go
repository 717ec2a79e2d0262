// Package api is the HTTP face of the payment service.
//
//	POST /payments              {"amount": 120.50, "currency": "EUR", "method": "credit_card"}
//	GET  /payments/{id}
//	POST /payments/{id}/refund
//	POST /settlements           charges what was accepted without the bank; for a scheduler
//	GET  /state                 what the policies did, and the circuit breakers
//	GET  /metrics               the same and more, for Prometheus
//	GET  /healthz               whether the process is alive
//	GET  /readyz                whether it can do its work
//
// A POST to /payments may bear an Idempotency-Key: the payment's id. Asking
// again with the same key is the same payment.
package api

import (
	"context"
	"net/http"

	"github.com/cladgo/clad/examples/app/jsonio"
	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// API is the service's HTTP handler. It is safe for use by many goroutines.
type API struct {
	mux      *http.ServeMux
	service  *payments.Service
	guard    policy.Runner
	metrics  func() policy.Metrics
	breakers *Breakers
}

// New returns the API of a service. All that has to do with payments runs under
// guard, which protects the service itself. Prometheus reads the metrics of scrape, and a
// balancer asks ready.
func New(s *payments.Service, guard policy.Runner, metrics func() policy.Metrics, b *Breakers, scrape, ready http.Handler) *API {
	a := &API{http.NewServeMux(), s, guard, metrics, b}
	a.mux.HandleFunc("POST /payments", a.guarded(a.pay))
	a.mux.HandleFunc("GET /payments/{id}", a.guarded(a.find))
	a.mux.HandleFunc("POST /payments/{id}/refund", a.guarded(a.refund))
	a.mux.HandleFunc("POST /settlements", a.guarded(a.settle))
	a.mux.HandleFunc("GET /state", a.showState)
	a.mux.Handle("GET /metrics", scrape)
	a.mux.Handle("GET /readyz", ready)
	a.mux.HandleFunc("GET /healthz", a.showHealth)
	return a
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// work is what a request asks for. The request is read before, once; the work
// may be done several times, if the policy says so.
type work func(context.Context) (answer, error)

type answer struct {
	status int
	body   any
}

// guarded carries a request out under the API's own policy, which sees the error
// that the work ends with. cladhttp.Limit, which guards handlers of any kind, would
// hear of it from cladhttp.WriteError alone, whose body is not the API's; nor would
// it repeat work, or leave what can't be read out of the policy's counts.
func (a *API) guarded(read func(http.ResponseWriter, *http.Request) (work, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		do, err := read(w, r)
		if err != nil {
			writeError(w, err)
			return
		}
		done, err := policy.Do(r.Context(), a.guard, do)
		if err != nil {
			writeError(w, err)
			return
		}
		jsonio.Write(w, done.status, done.body)
	}
}
