// Package cladhttp guards HTTP: outgoing requests by wrapping an
// [http.RoundTripper] or *http.Client, incoming ones with a middleware.
//
// # Clients
//
// Importing the package is enough for container.Tag to wrap constructors that
// return an http.RoundTripper or a *http.Client:
//
//	import _ "github.com/cladgo/clad/container/cladhttp"
//
//	fx.Provide(container.Tag(newClient, "external_api"))
//
// Without tags, [New] and [Client] take a runner of an orchestrator.
//
// What counts as a failure: an error, and a response with status 408, 429 or 5xx
// (see [FailOn]). Every other response is a success, also a 404: the server
// works, and that is its answer. Retry-After is honoured, in seconds and as a date.
//
// What is attempted again: a request that is safe to repeat, which is one with
// an idempotent method or an Idempotency-Key (see [Idempotent] and [Repeat]), and
// one that cannot have been sent: it was turned away by a limiter of ours, or no
// connection could be made. A body is sent again by means of the request's
// GetBody; a request with a body and no GetBody is sent once.
//
// What the caller gets: the server's last answer, whatever its status, with its
// body; an error only where the server gave none, or where clad stopped the
// request: an open circuit, a rate limit, a timeout, the caller's own end.
//
// Timeouts of the policy include the reading of the body, as those of
// [http.Client] do. Prefer them to http.Client.Timeout: that one looks like the
// caller's own deadline from here, and so says nothing to a circuit breaker.
//
// # Policies for HTTP methods
//
// To a tag and to a profile, the methods of an http.RoundTripper and a
// *http.Client are those of HTTP: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT,
// TRACE, and OTHER for all further ones. They are what metrics and errors call
// the operation: "http.Client.GET".
//
//	services:
//	  http.Client:
//	    methods: {POST: external_api_once, GET: external_api}
//
// A policy chosen for a method in this way is carried out to the letter: if it
// has a retry, requests of that method are repeated, safe or not.
//
// # Servers
//
// [Limit] runs handlers under a policy: it limits and time-bounds incoming
// requests. [WriteError] and [Status] turn clad's errors into responses.
package cladhttp
