// Package bank is an acquiring bank: the real dependency of the example, a
// service of its own with an API over HTTP. It works well, until it is told not
// to (see [Faults]).
//
//	POST /charges   take money; an Idempotency-Key header is required
//	POST /refunds   give it back; there is no key: asked twice, it pays twice
//	GET  /statement what it has booked, and how often it was asked
//	GET  /faults    what goes wrong at present
//	PUT  /faults    what is to go wrong from now on; {} for nothing
package bank

import "net/http"

// Bank is the bank's HTTP handler. It is safe for use by many goroutines.
type Bank struct {
	mux    *http.ServeMux
	books  books
	faults faults
}

// New returns a bank with empty books and no faults.
func New() *Bank {
	b := &Bank{mux: http.NewServeMux()}
	b.mux.Handle("POST /charges", b.faulty(b.charge))
	b.mux.Handle("POST /refunds", b.faulty(b.refund))
	b.mux.HandleFunc("GET /statement", b.statement)
	b.mux.HandleFunc("GET /faults", b.showFaults)
	b.mux.HandleFunc("PUT /faults", b.setFaults)
	return b
}

func (b *Bank) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.mux.ServeHTTP(w, r) }
