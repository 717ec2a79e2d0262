package cladhttp_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// waited returns how long a retry waited for an answer with that Retry-After,
// with a back-off of its own of one second.
func waited(t *testing.T, status int, retryAfter string) time.Duration {
	t.Helper()
	calls := 0
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		calls++
		if calls > 1 {
			return answer(req, 200, ""), nil
		}
		return answer(req, status, "", "Retry-After", retryAfter), nil
	}), runner(t, policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Second)}))
	start := time.Now()
	resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
	if err != nil || calls != 2 {
		t.Fatalf("%q: %d attempts, %v", retryAfter, calls, err)
	}
	read(t, resp)
	return time.Since(start)
}

func TestRetryAfterIsHonoured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := func(value string) func() string { return func() string { return value } }
		date := func(d time.Duration) func() string {
			return func() string { return time.Now().Add(d + time.Second - 1).UTC().Format(http.TimeFormat) } // in whole seconds
		}
		for _, c := range []struct {
			status int
			value  func() string
			want   time.Duration
		}{
			{429, text("7"), 7 * time.Second},
			{503, text("7"), 7 * time.Second},
			{500, text("0"), time.Second}, // shorter than the back-off: that one stands
			{503, text(""), time.Second},
			{503, text("-5"), time.Second},
			{503, text("soon"), time.Second},
			{503, text("1.5"), time.Second},
			{429, date(20 * time.Second), 20 * time.Second},
			{429, date(-time.Hour), time.Second},
			{429, text("1999-12-31T23:59:59Z"), time.Second}, // no date of HTTP's
		} {
			value := c.value()
			longest := c.want
			if c.want > time.Second {
				longest = (c.want + time.Second) * 11 / 10 // dates are in whole seconds, and waits are spread by up to a tenth
			}
			if got := waited(t, c.status, value); got < c.want || got > longest {
				t.Errorf("%d, Retry-After %q: waited %v, want %v", c.status, value, got, c.want)
			}
		}
	})
}

// A server that asks for more time than there is gets no attempt it did not want:
// its answer is the caller's at once.
func TestRetryAfterBeyondTheDeadlineEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			return answer(req, 429, "later", "Retry-After", "99999999999999999999"), nil
		}), runner(t, policy.Timeout(time.Hour), atOnce(3)))
		start := time.Now()
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
		if err != nil {
			t.Fatal(err)
		}
		if read(t, resp) != "later" || time.Since(start) > time.Second {
			t.Errorf("took %v", time.Since(start))
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "-1", "9223372036854775807", "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var got *cladhttp.StatusError
		retry := policy.Retry{RetryIf: func(err error) bool {
			got, _ = err.(*cladhttp.StatusError) //nolint:errorlint // it is handed over as it is
			return false
		}}
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 503, "")
			resp.Header["Retry-After"] = []string{value}
			return resp, nil
		}), runner(t, retry))
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got == nil || got.RetryAfter() < 0 {
			t.Fatalf("%q: %v", value, got)
		}
	})
}

// A server whose clock is wrong asked for hours, or for nothing.
func TestRetryAfterIsReckonedByTheServersClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]struct {
			date string
			want time.Duration
		}{
			"an hour behind":    {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 20 * time.Second},
			"an hour ahead":     {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 20 * time.Second},
			"no date":           {"", 0},
			"no date of HTTP's": {"yesterday", 0},
		} {
			sent, err := http.ParseTime(c.date)
			if err != nil {
				sent, c.want = time.Now(), 20*time.Second
			}
			var got *cladhttp.StatusError
			retry := policy.Retry{RetryIf: func(err error) bool { return !errors.As(err, &got) }}
			rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
				return answer(req, 503, "", "Retry-After", sent.Add(20*time.Second).UTC().Format(http.TimeFormat), "Date", c.date), nil
			}), runner(t, retry))
			resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if after := got.RetryAfter(); after > c.want || after < c.want-time.Second {
				t.Errorf("%s: %v, want %v", name, after, c.want)
			}
		}
	})
}

// A server that asked for a day had a goroutine wait for a day.
func TestRetryAfterThatIsTooLongEndsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			return answer(req, 503, "later", "Retry-After", "86400"), nil
		}), policy.Retry{MaxAttempts: 5})
		start := time.Now()
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
		if err != nil {
			t.Fatal(err)
		}
		if read(t, resp) != "later" || resp.Header.Get("Retry-After") != "86400" || time.Since(start) != 0 {
			t.Errorf("got %v after %v", resp.Header, time.Since(start))
		}
		if m := metrics(); m.RetryAttempts != 0 {
			t.Errorf("metrics are %+v", m)
		}
	})
}
