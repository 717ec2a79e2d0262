package cladhttp_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// The tests in this file are of what callers and transports expect of each other
// beyond a request and its response.

type codedError struct{ code int }

func (e codedError) Error() string { return "coded" }

// Where clad stopped nothing, the transport's error was wrapped all the same, and
// comparisons and assertions failed.
func TestErrorsComeOutAsTheyWere(t *testing.T) {
	want := codedError{7}
	retry := policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}
	for name, c := range map[string]struct {
		method string
		layers []policy.Policy
	}{
		"not repeatable":  {http.MethodPost, []policy.Policy{policy.Timeout(someTime), retry, policy.CircuitBreaker{}}},
		"one attempt":     {http.MethodGet, []policy.Policy{policy.Retry{MaxAttempts: 1}, policy.Timeout(someTime)}},
		"no retry":        {http.MethodGet, []policy.Policy{policy.CircuitBreaker{}}},
		"not to be tried": {http.MethodGet, []policy.Policy{policy.Retry{RetryIf: func(error) bool { return false }}}},
	} {
		rt, _ := guarded(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, want }), c.layers...)
		if err := fails(t, rt, request(t, c.method, "http://example.com", nil)); err != error(want) { //nolint:errorlint // the very error
			t.Errorf("%s: got %T %v", name, err, err)
		}
		if _, ok := fails(t, rt, request(t, c.method, "http://example.com", nil)).(codedError); !ok { //nolint:errorlint // by assertion
			t.Errorf("%s: an assertion to its type fails", name)
		}
	}
	var once anyRunner = func(ctx context.Context, fn func(context.Context) error) error { return fn(ctx) }
	rt := cladhttp.New(roundTripper(func(*http.Request) (*http.Response, error) { return nil, want }), once)
	if err := fails(t, rt, request(t, http.MethodPost, "http://example.com", nil)); err != error(want) { //nolint:errorlint // the very error
		t.Errorf("another's runner: got %T %v", err, err)
	}
}

// url.Error, net.Error and os.IsTimeout ask by type, not through the chain.
func TestTimeoutsSayThatTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := roundTripper(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		attempt := policy.Timeout(time.Second)
		for name, c := range map[string]struct {
			layers []policy.Policy
			client time.Duration
			caller time.Duration
			want   []error
		}{
			"of an attempt":        {[]policy.Policy{attempt}, 0, 0, []error{policy.ErrTimeout}},
			"of the last attempt":  {[]policy.Policy{atOnce(2), attempt}, 0, 0, []error{policy.ErrTimeout, policy.ErrRetriesExhausted}},
			"of the whole":         {[]policy.Policy{attempt, atOnce(2)}, 0, 0, []error{policy.ErrTimeout}},
			"of the caller":        {[]policy.Policy{attempt}, 0, time.Millisecond, []error{policy.ErrCancelled}},
			"of the client":        {[]policy.Policy{attempt}, time.Millisecond, 0, nil},
			"of the client, later": {[]policy.Policy{atOnce(2), attempt}, 1500 * time.Millisecond, 0, nil},
		} {
			client := &http.Client{Transport: cladhttp.New(next, runner(t, c.layers...)), Timeout: c.client}
			ctx := t.Context()
			if c.caller > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.caller)
				defer cancel()
			}
			_, err := client.Do(request(t, http.MethodGet, "http://example.com", nil).WithContext(ctx)) //nolint:bodyclose // there is none
			var outer *url.Error
			if !errors.As(err, &outer) || !outer.Timeout() {
				t.Errorf("%s: url.Error says that it is none: %v", name, err)
			}
			var inner net.Error
			if !errors.As(outer.Err, &inner) || !inner.Timeout() || !os.IsTimeout(outer.Err) {
				t.Errorf("%s: net.Error or os.IsTimeout say that it is none: %v", name, err)
			}
			for _, want := range append(c.want, context.DeadlineExceeded) {
				if !errors.Is(err, want) {
					t.Errorf("%s: got %v, which is not %v", name, err, want)
				}
			}
		}
	})
}

// http.Client.Timeout looks like the caller's own deadline: a server that hung
// behind it never opened a circuit.
func TestClientTimeoutThatEndsAHangingRequestIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			timeout time.Duration
			trips   uint64
		}{
			{time.Second, 1},
			{50 * time.Millisecond, 0}, // too soon to tell
		} {
			rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}), atOnce(3), policy.CircuitBreaker{FailureThreshold: 2})
			client := &http.Client{Transport: rt, Timeout: c.timeout}
			for range 2 {
				_, err := client.Do(request(t, http.MethodGet, "http://example.com", nil)) //nolint:bodyclose // there is none
				if !os.IsTimeout(err) {
					t.Errorf("got %v", err)
				}
			}
			if m := metrics(); m.CircuitBreakerTrips != c.trips || m.Cancelled != 2 || m.RetryAttempts != 0 {
				t.Errorf("after %v: metrics are %+v", c.timeout, m)
			}
		}
	})
}

// The deprecated way to cancel a request was a failure of the server.
func TestRequestCancelIsACancellation(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
	eachServer(t, hang, func(t *testing.T, url string, next http.RoundTripper) {
		rt, metrics := guarded(t, next, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
		for _, path := range []string{"/", "/body"} {
			cancel := make(chan struct{})
			time.AfterFunc(10*time.Millisecond, func() { close(cancel) })
			req := request(t, http.MethodGet, url+path, nil)
			req.Cancel = cancel //nolint:staticcheck // it is what is tested
			resp, err := rt.RoundTrip(req)
			if err == nil {
				_, err = resp.Body.Read(make([]byte, 1))
				_ = resp.Body.Close()
			} else if !errors.Is(err, policy.ErrCancelled) {
				t.Errorf("%s: got %v", path, err)
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: got %v", path, err)
			}
		}
		if m := metrics(); m.Cancelled != 2 || m.CircuitBreakerTrips != 0 || m.RetryAttempts != 0 {
			t.Errorf("metrics are %+v", m)
		}
	})
}

// A cancellation while a body is read comes as the transport has it: reverse
// proxies compare.
func TestCancellationInABodyComesAsItIs(t *testing.T) {
	eachServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, func(t *testing.T, url string, next http.RoundTripper) {
		rt, metrics := guarded(t, next, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := rt.RoundTrip(request(t, http.MethodGet, url, nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		cancel()
		if _, err := resp.Body.Read(make([]byte, 1)); err != context.Canceled { //nolint:errorlint // as httputil.ReverseProxy does
			t.Errorf("got %T %v", err, err)
		}
		if m := metrics(); m.Cancelled != 1 || m.CircuitBreakerTrips != 0 {
			t.Errorf("metrics are %+v", m)
		}
	})
}

// The response's request was one of clad's own, whose context ended with the body.
func TestResponseHasTheCallersRequest(t *testing.T) {
	eachServer(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, url string, next http.RoundTripper) {
		for _, layers := range [][]policy.Policy{
			{policy.CircuitBreaker{}},
			{atOnce(2), policy.Timeout(someTime)},
		} {
			req := request(t, http.MethodGet, url, nil)
			rt, _ := guarded(t, next, layers...)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if resp.Request != req {
				t.Error("it is another request")
			}

			// A transport between may send one of its own making.
			between, _ := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				req = req.Clone(req.Context())
				req.Header.Set("Authorization", "me")
				return next.RoundTrip(req)
			}), layers...)
			resp, err = between.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if resp.Request.Header.Get("Authorization") != "me" || resp.Request.Context().Err() != nil {
				t.Errorf("headers are %v, the context %v", resp.Request.Header, resp.Request.Context().Err())
			}
		}
	})
}

// A transport below that changed what it was given, as it should not, changed the
// caller's request, and each attempt's once more.
func TestAttemptsDoNotShareWhatTheyMayChange(t *testing.T) {
	var sent []http.Header
	var paths []string
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		req.Header.Add("X-Trace", "hop")
		req.Header["Accept"][0] = "nothing"
		req.URL.Path = "/v1" + req.URL.Path
		sent, paths = append(sent, req.Header), append(paths, req.URL.Path)
		return nil, errBroken
	}), runner(t, atOnce(3)))
	req := request(t, http.MethodGet, "http://example.com/a", nil)
	req.Header.Set("Accept", "text/html")
	_ = fails(t, rt, req)
	if len(req.Header) != 1 || req.Header.Get("Accept") != "text/html" || req.URL.Path != "/a" {
		t.Errorf("the caller's request became %v %v", req.URL, req.Header)
	}
	for i, header := range sent {
		if len(header["X-Trace"]) != 1 || paths[i] != "/v1/a" {
			t.Errorf("attempt %d was sent with %v to %s", i+1, header, paths[i])
		}
	}
	if len(sent) != 3 {
		t.Errorf("%d attempts", len(sent))
	}
}

// The trailers of a request are filled in while its body is read.
func TestTrailersAreThoseOfTheCaller(t *testing.T) {
	eachServer(t, func(w http.ResponseWriter, r *http.Request) {
		body := http.MaxBytesReader(w, r.Body, 1<<10)
		for n := 1; n > 0; {
			n, _ = body.Read(make([]byte, 10))
		}
		w.Header().Set("Sum", r.Trailer.Get("Sum"))
	}, func(t *testing.T, url string, next http.RoundTripper) {
		rt, _ := guarded(t, next, policy.CircuitBreaker{}, policy.Timeout(someTime))
		req := request(t, http.MethodPost, url, nil)
		req.Trailer = http.Header{"Sum": nil}
		req.Body, req.ContentLength = &summed{strings.NewReader("text"), req.Trailer}, -1
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		read(t, resp)
		if got := resp.Header.Get("Sum"); got != "1" {
			t.Errorf("the server read the trailer %q", got)
		}
	})
}

type summed struct {
	*strings.Reader
	trailer http.Header
}

func (s *summed) Read(p []byte) (int, error) {
	s.trailer.Set("Sum", "1")
	return s.Reader.Read(p)
}

func (*summed) Close() error { return nil }
