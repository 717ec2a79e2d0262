package cladhttp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"

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

// ownMistake reports whether a request failed on this side, before or instead of
// asking the server.
func ownMistake(err error) bool {
	var tooLarge *http.MaxBytesError
	var unread *fs.PathError
	if errors.As(err, &tooLarge) || errors.As(err, &unread) || errors.Is(err, errNoResponse) {
		return true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		text := err.Error()
		if slices.ContainsFunc(mistakes, func(m string) bool { return strings.HasPrefix(text, m) }) {
			return true
		}
	}
	return false
}

// mistakes is how net/http's errors begin that say what is wrong with a request.
// They have no types.
var mistakes = []string{
	"unsupported protocol scheme",
	"http: nil Request.URL",
	"http: nil Request.Header",
	"http: no Host in request URL",
	"http: invalid Host header",
	"http: ContentLength=", // with a body of another length
	"http: Request.ContentLength=",
	"net/http: invalid header",
	"net/http: invalid trailer",
	"net/http: invalid method",
	"net/http: can't write control character",
	"invalid Trailer key",
	"http2: request body larger than specified content length",
	"http2: request header list larger than peer's advertised limit",
}

// hopeless reports whether a failure of the server will be the same at the next
// attempt: it is not who it should be, or does not speak TLS.
func hopeless(err error) bool {
	var (
		unverified *tls.CertificateVerificationError
		authority  x509.UnknownAuthorityError
		hostname   x509.HostnameError
		invalid    x509.CertificateInvalidError
		record     tls.RecordHeaderError
	)
	return errors.As(err, &unverified) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
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
