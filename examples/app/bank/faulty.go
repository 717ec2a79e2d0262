package bank

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

const maxBody = 4 << 10

// faulty lets a request run into the present faults.
func (b *Bank) faulty(handle http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.books.asked()
		f, changed := b.faults.next()
		// net/http notices that a client has gone once the body is read.
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err != nil || !wait(r, time.Duration(f.Latency), changed) {
			return
		}
		switch {
		case f.Outage || hits(f.DropRate):
			drop()
		case hits(f.ErrorRate):
			refuse(w, http.StatusServiceUnavailable, "the bank is not well")
		case hits(f.ThrottleRate):
			w.Header().Set("Retry-After", f.retryAfter())
			refuse(w, http.StatusTooManyRequests, "the bank is asked too often")
		case hits(f.LostRate):
			handle(nobody{http.Header{}}, r) // it is done, and nobody hears of it
			drop()
		default:
			handle(w, r)
		}
	})
}

func hits(share float64) bool { return rand.Float64() < share }

// drop ends the connection without an answer: net/http's own way.
func drop() { panic(http.ErrAbortHandler) }

// wait returns false if the client is gone first.
func wait(r *http.Request, d time.Duration, changed <-chan struct{}) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-changed:
		return true
	case <-r.Context().Done():
		return false
	}
}

// nobody is where lost answers go.
type nobody struct{ header http.Header }

func (n nobody) Header() http.Header         { return n.header }
func (n nobody) Write(b []byte) (int, error) { return len(b), nil }
func (n nobody) WriteHeader(int)             {}
