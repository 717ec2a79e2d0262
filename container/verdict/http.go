package verdict

import (
	"errors"
	"reflect"
	"slices"
	"strings"
)

// netHTTP is net/http, as a client: what it says of requests that it does not
// send, or that a server has certainly not processed, mostly without a type.
var netHTTP = client{
	types: map[string]func(error) Meaning{
		"net/http.MaxBytesError":       always(mistaken), // of the body that was to be sent
		"crypto/tls.RecordHeaderError": always(hopeless),

		"net/http.tlsHandshakeTimeoutError":   always(unmade),
		"net/http.http2StreamError":           ofHTTP2Stream,
		"net/http/internal/http2.StreamError": ofHTTP2Stream,
		"golang.org/x/net/http2.StreamError":  ofHTTP2Stream,
	},
	around: map[string]func(error, Meaning) Meaning{"net/url.Error": ofRequest},
	texts: map[string]Meaning{
		"http: nil Request.URL":                                    refused,
		"http: nil Request.Header":                                 refused,
		"http: no Host in request URL":                             refused,
		"http: invalid Host header":                                refused,
		"http: Request.RequestURI can't be set in client requests": refused,
		"net/http: can't write control character in Request.URL":   refused,
		"Request.URL is nil":                                       refused, // HTTP/2's
		"http2: request body larger than specified content length": mistaken,
		"http: server gave HTTP response to HTTPS client":          hopeless,

		// The connection was closed before there was a request on it, or the server
		// says of which streams it will not process.
		"http: server closed idle connection":                         unmade,
		"http2: client conn not usable":                               unmade,
		"http2: client conn could not be established":                 unmade,
		"http2: Transport received Server's graceful shutdown GOAWAY": unmade,
	},
	beginnings: map[string]Meaning{
		"http2: Transport received GOAWAY from server ErrCode:": unmade, // of a stream that is above the last
		"unsupported protocol scheme ":                          refused,
		"net/http: invalid header ":                             refused,
		"net/http: invalid trailer ":                            refused,
		"net/http: invalid method ":                             refused,
		"http: ContentLength=":                                  mistaken, // and a body of another length
		"http: Request.ContentLength=":                          refused,  // and no body
	},
}

// ofHTTP2Stream knows streams that a server refused before it processed anything.
func ofHTTP2Stream(err error) Meaning {
	const refusedStream = 7
	if number(err, "Code") == refusedStream {
		return unmade
	}
	return unknown
}

// unsendableRequests is how net/http begins to say, in words that anybody may use, what
// is wrong with a request that it does not send.
var unsendableRequests = []string{
	"invalid Host header", "invalid :protocol header in non-CONNECT request",
	"request header list larger than peer's advertised limit", "invalid Trailer key ", "invalid request :path ",
	"invalid HTTP header ", "invalid HTTP trailer ", "invalid Upgrade request header: ",
	"invalid Transfer-Encoding request header: ", "invalid Connection request header: ",
}

// ofRequest knows requests that cannot be sent, where they are http.Client's.
func ofRequest(err error, within Meaning) Meaning {
	cause := errors.Unwrap(err)
	if within != unknown || cause == nil {
		return within
	}
	text, wrapped := strings.CutPrefix(cause.Error(), "http2: ")
	if !wrapped && reflect.TypeOf(cause) != typeOfText {
		return within
	}
	if slices.ContainsFunc(unsendableRequests, func(says string) bool { return strings.HasPrefix(text, says) }) {
		return refused
	}
	return within
}
