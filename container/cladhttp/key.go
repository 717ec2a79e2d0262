package cladhttp

import (
	"net/http"

	"github.com/cladgo/clad/internal/uuid"
)

// idempotencyKey is what all attempts of a request bear, where the policy wants it.
type idempotencyKey struct{ header, value string }

// identify has a request bear a key in the header named, unless it bears one of its
// caller's, and so be safe to repeat. One that only reads needs none.
func (x *exchange) identify(header string) {
	if header == "" || reads(x.req.Method) {
		return
	}
	x.repeat = true
	if header = http.CanonicalHeaderKey(header); x.req.Header.Get(header) == "" {
		x.key = idempotencyKey{header, uuid.New()}
	}
}

// reads reports whether a method is safe in the words of RFC 9110: it asks for
// nothing to be done.
func reads(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}
