package gateway

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// failure says what an HTTP status means, in the words of the domain:
//
//	2xx                 nil
//	408, 429 and 5xx    an *policy.InfrastructureError: the bank is not able to answer now; worth a retry, a failure to the breaker
//	any other           an answer, and it is no: policy.Answer
func failure(res *http.Response, body []byte) error {
	status := res.StatusCode
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return &policy.InfrastructureError{
			Message: "the bank is not able to answer",
			Err:     &statusError{res.Status, retryAfter(res.Header.Get("Retry-After"), time.Now())},
		}
	default:
		return policy.Answer(&payments.DeclinedError{Reason: reason(res, body)})
	}
}

// statusError carries what the bank's headers say to policy.RetryAfter, which a
// retry asks before it backs off.
type statusError struct {
	status string
	after  time.Duration
}

func (e *statusError) Error() string { return "HTTP status " + e.status }

// RetryAfter is 0 where the bank said nothing.
func (e *statusError) RetryAfter() time.Duration { return e.after }

// retryAfter reads the header, which holds seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

// reason is what the bank says in its body, or else the status.
func reason(res *http.Response, body []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error != "" {
		return answer.Error
	}
	return fmt.Sprintf("HTTP status %s", res.Status)
}
