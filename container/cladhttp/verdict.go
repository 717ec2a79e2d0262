package cladhttp

import (
	"net/http"

	"github.com/cladgo/clad/policy"
)

// verdict says what a response means; Unknown is a success.
func (o *options) verdict(resp *http.Response) policy.Verdict {
	fails := o.fails
	if fails == nil {
		if unchangeable(resp.StatusCode) {
			return policy.Refused
		}
		fails = isFailure
	}
	switch {
	case fails(resp):
		return policy.Failed
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		return policy.Answered
	}
	return policy.Unknown
}

func isFailure(resp *http.Response) bool {
	switch code := resp.StatusCode; code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return code >= 500 && code <= 599
	}
}

// unchangeable reports whether a status says that no attempt will ever succeed:
// the server does not know the method, or the version of HTTP.
func unchangeable(code int) bool {
	return code == http.StatusNotImplemented || code == http.StatusHTTPVersionNotSupported
}

// finalError tells a runner, by its methods, what must not be attempted again.
type finalError struct {
	err     error
	verdict policy.Verdict
}

func (e *finalError) Error() string           { return e.err.Error() }
func (e *finalError) Unwrap() error           { return e.err }
func (e *finalError) Retryable() bool         { return false }
func (e *finalError) Verdict() policy.Verdict { return e.verdict }
