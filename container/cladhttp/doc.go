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
// What counts as a failure: an error, and a response with status 408, 425, 429 or
// 5xx (see [FailOn]). Every other 4xx is an answer: the server works, and said no.
// 501 and 505, and what fails on this side (a URL with another scheme, a body that
// its own reader refuses or keeps waiting), are neither. Retry-After is honoured,
// in seconds and as a date.
//
// An operation ends with the response's body: when that has been read, breaks off,
// stalls until a timeout of the policy, or is closed. Circuit breakers and metrics
// hear of it then. One whose body is neither read nor closed is not counted.
//
// What is attempted again: a request that is safe to repeat, which is one with
// an idempotent method or an Idempotency-Key (see [Idempotent] and [Repeat]) or gets
// one by the policy (policy.Retry.IdempotencyKey), and one that cannot have been
// sent: it was turned away by a limiter of ours, or no connection could be made. A
// body is sent again by means of the request's
// GetBody; a request with a body and no GetBody is sent once. A server whose
// certificate cannot be verified is not asked again.
//
// What is hedged, where the policy of a tagged client says so: GET, HEAD, OPTIONS and
// TRACE without a body, but no upgrade to another protocol. The requests that lose are
// cancelled, and the bodies of their responses closed.
//
// What the caller gets: the server's last answer, whatever its status, with its
// body; an error only where the server gave none, or where clad stopped the
// request: an open circuit, a rate limit, a timeout, the caller's own end. Where
// clad stopped nothing, the error is the transport's own.
//
// Timeouts of the policy include the reading of the body, as those of
// [http.Client] do. Prefer them to http.Client.Timeout: that one is the caller's
// own deadline here, which no attempt follows.
//
// # Policies for HTTP methods
//
// To a tag and to a profile, the methods of an http.RoundTripper and a
// *http.Client are those of HTTP: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT,
// TRACE, and OTHER for all further ones. They are what metrics and errors call
// the operation: "http.Client.GET". A policy can be chosen for a route as well,
// where requests say theirs by [Route].
//
//	services:
//	  http.Client:
//	    methods:
//	      POST: external_api_once
//	      GET /users/{id}: external_api
//
// A policy chosen for a method in this way is carried out to the letter: if it
// has a retry, requests of that method are repeated, safe or not.
//
// What a server is told, in headers: that the request is repeated where it fails, and
// how long the caller waits; see [FromCaller]. [Silent] clients tell nothing.
//
// # Servers
//
// [FromCaller] has a handler heed what callers say of themselves. [Limit] runs handlers under a policy: it limits and time-bounds incoming
// requests. [WriteError] and [Status] turn clad's errors into responses.
package cladhttp
