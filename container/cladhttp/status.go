package cladhttp

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// StatusError stands for a response that counts as a failure. It is what a
// policy's RetryIf and the log of retries see; who sent the request gets the
// response itself.
type StatusError struct {
	StatusCode int

	retryAfter time.Duration
}

func newStatusError(resp *http.Response) *StatusError {
	return &StatusError{resp.StatusCode, parseRetryAfter(resp.Header.Get("Retry-After"))}
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the server answered %d %s", e.StatusCode, statusText(e.StatusCode))
}

// RetryAfter returns how long the server asked to wait in Retry-After, 0 where
// it did not ask.
func (e *StatusError) RetryAfter() time.Duration { return e.retryAfter }

func isFailure(resp *http.Response) bool { return isFailureStatus(resp.StatusCode) }

func isFailureStatus(code int) bool {
	return code == http.StatusRequestTimeout || code == http.StatusTooManyRequests ||
		code >= 500 && code <= 599
}

// parseRetryAfter reads Retry-After in both of its forms: seconds, or the date
// from which on to come back. What it can't read asks for nothing.
func parseRetryAfter(value string) time.Duration {
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
	return max(0, time.Until(at))
}

func statusText(code int) string {
	if code == statusClientClosedRequest {
		return "Client Closed Request"
	}
	return http.StatusText(code)
}
