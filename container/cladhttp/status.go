package cladhttp

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// StatusError stands for a response that is no success. It is what a policy's
// RetryIf and the log of retries see; who sent the request gets the response
// itself.
type StatusError struct {
	StatusCode int

	retryAfter time.Duration
}

func newStatusError(resp *http.Response) *StatusError {
	return &StatusError{resp.StatusCode, parseRetryAfter(resp.Header)}
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.StatusCode, statusText(e.StatusCode))
}

// RetryAfter returns how long the server asked to wait in Retry-After, 0 where
// it did not ask.
func (e *StatusError) RetryAfter() time.Duration { return e.retryAfter }

// parseRetryAfter reads Retry-After in both of its forms: seconds, or the date
// from which on to come back, which is reckoned from the Date of the response:
// the server's clock is not ours. What it can't read asks for nothing.
func parseRetryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil {
		return time.Duration(min(seconds, math.MaxInt64/uint64(time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		return max(0, at.Sub(sent))
	}
	return max(0, time.Until(at))
}

func statusText(code int) string {
	if code == statusClientClosedRequest {
		return "Client Closed Request"
	}
	return http.StatusText(code)
}
