package cladhttp

import (
	"net/http"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// New returns a RoundTripper that sends requests through next under the policy
// of r. A nil next is [http.DefaultTransport]. r must not be nil; it is a runner
// of an orchestrator, or one of another making that does not end the context of
// an attempt when it succeeded: the response's body is still being read.
//
// The result never changes a request that it is given, and is safe for use by
// many goroutines if next is. It has a method Unwrap() http.RoundTripper, and
// passes on CloseIdleConnections.
func New(next http.RoundTripper, r policy.Runner, opts ...Option) http.RoundTripper {
	if r == nil {
		panic("cladhttp.New: the runner is nil; take one from an orchestrator's Pipeline or For")
	}
	return newTransport(next, func(*http.Request) guard { return guard{runner: r} }, newOptions(opts))
}

// Client returns a copy of c that sends its requests under the policy of r, each
// redirect on its own; see [New]. c stays as it is. A nil c is
// [http.DefaultClient].
func Client(c *http.Client, r policy.Runner, opts ...Option) *http.Client {
	if c == nil {
		c = http.DefaultClient
	}
	guarded := *c
	guarded.Transport = New(c.Transport, r, opts...)
	return &guarded
}

type transport struct {
	container.Proxied
	next  http.RoundTripper // nil for http.DefaultTransport, whatever that is by then
	guard func(*http.Request) guard
	options
	losses losses
}

// guard is what stands before a request.
type guard struct {
	runner    policy.Runner
	repeat    bool   // it may be repeated, safe or not
	partition string // of the runner, which is ours; empty for none
}

func newTransport(next http.RoundTripper, g func(*http.Request) guard, o options) *transport {
	t := &transport{next: next, guard: g, options: o}
	t.Value = t.Unwrap()
	return t
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	g := t.guard(req)
	pipeline, ours := g.runner.(*container.Pipeline)
	if ours && pipeline.Direct() {
		return t.Unwrap().RoundTrip(t.passOn(req))
	}
	x := t.exchange(req, g.repeat || t.repeat(req))
	var err error
	if ours {
		err = x.runIn(pipeline, g.partition)
	} else {
		err = x.runOutside(g.runner)
	}
	return x.finish(err)
}

// Unwrap returns the RoundTripper that is guarded.
func (t *transport) Unwrap() http.RoundTripper {
	if t.next == nil {
		return http.DefaultTransport
	}
	return t.next
}

// CloseIdleConnections is what http.Client's method of that name calls.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.Unwrap().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
