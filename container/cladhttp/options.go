package cladhttp

import "net/http"

// Option changes what [New], [Client] and [PerHost] do.
type Option interface{ apply(*options) }

type options struct {
	repeat func(*http.Request) bool
	fails  func(*http.Response) bool // nil: by status
	silent bool
}

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// Repeat says which requests are safe to repeat when they may have reached the
// server. Without it, those that are [Idempotent].
func Repeat(safe func(*http.Request) bool) Option {
	return optionFunc(func(o *options) { o.repeat = safe })
}

// FailOn says which responses count as failures. Without it, those with status
// 408, 425, 429 and 500 to 599, but for 501 and 505, which no attempt can change
// and which are neither success nor failure. What does not count as a failure is
// a success, or with status 400 to 499 an answer. It must not touch the body.
func FailOn(fails func(*http.Response) bool) Option {
	return optionFunc(func(o *options) { o.fails = fails })
}

// Silent sends requests without the headers that tell the server of its caller's
// retries and deadline (see [FromCaller]).
func Silent() Option {
	return optionFunc(func(o *options) { o.silent = true })
}

func newOptions(opts []Option) options {
	o := options{repeat: Idempotent}
	for _, opt := range opts {
		opt.apply(&o)
	}
	return o
}

// Idempotent reports whether a request may be sent twice with the effect of
// once: by its method (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), or because it
// carries an Idempotency-Key by which the server recognizes it.
func Idempotent(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}
