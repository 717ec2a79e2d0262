package cladhttp_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

var (
	errBroken = errors.New("connection broken")
	errDial   = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
)

func TestOnlySafeRequestsAreRepeated(t *testing.T) {
	key := func(r *http.Request) { r.Header.Set("Idempotency-Key", "a1") }
	plain := func(*http.Request) {}
	for _, c := range []struct {
		method string
		change func(*http.Request)
		err    error
		opts   []cladhttp.Option
		want   int
	}{
		{http.MethodGet, plain, errBroken, nil, 3},
		{"", plain, errBroken, nil, 3},
		{http.MethodHead, plain, errBroken, nil, 3},
		{http.MethodOptions, plain, errBroken, nil, 3},
		{http.MethodTrace, plain, errBroken, nil, 3},
		{http.MethodPut, plain, errBroken, nil, 3},
		{http.MethodDelete, plain, errBroken, nil, 3},
		{http.MethodPost, plain, errBroken, nil, 1},
		{http.MethodPatch, plain, errBroken, nil, 1},
		{"PROPPATCH", plain, errBroken, nil, 1},
		{http.MethodPost, key, errBroken, nil, 3},
		{http.MethodPost, plain, errDial, nil, 3}, // there was no connection to send it on
		{http.MethodPost, plain, errBroken, []cladhttp.Option{cladhttp.Repeat(func(*http.Request) bool { return true })}, 3},
		{http.MethodGet, plain, errBroken, []cladhttp.Option{cladhttp.Repeat(func(*http.Request) bool { return false })}, 1},
	} {
		t.Run(c.method, func(t *testing.T) {
			calls := 0
			rt := cladhttp.New(roundTripper(func(*http.Request) (*http.Response, error) {
				calls++
				return nil, c.err
			}), runner(t, atOnce(3)), c.opts...)
			req := request(t, c.method, "http://example.com", nil)
			req.Method = c.method // NewRequest makes "" a GET
			c.change(req)
			err := fails(t, rt, req)
			if !errors.Is(err, c.err) {
				t.Errorf("got %v, want %v in it", err, c.err)
			}
			if got := errors.Is(err, policy.ErrRetriesExhausted); got != (c.want > 1) {
				t.Errorf("retries exhausted: %v, after %d attempts", got, c.want)
			}
			if calls != c.want {
				t.Errorf("sent %d times, want %d", calls, c.want)
			}
		})
	}
}

// A RetryIf that knows nothing of HTTP made every POST repeatable.
func TestPolicyWithOwnRetryIfDoesNotRepeatUnsafeRequests(t *testing.T) {
	calls := 0
	retry := atOnce(5)
	retry.RetryIf = func(error) bool { return true }
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		calls++
		return answer(req, 503, "busy"), nil
	}), runner(t, retry))
	resp, err := rt.RoundTrip(request(t, http.MethodPost, "http://example.com", strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, resp); body != "busy" || calls != 1 {
		t.Errorf("sent %d times, got %q", calls, body)
	}
}

// An unsafe request that our own limiter turned away was never sent, so it may
// wait and be tried again.
func TestUnsafeRequestsAreTriedAgainWhenNeverSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		r := runner(t, policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)}, policy.RateLimit{RequestsPerSecond: 1, Burst: 1})
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			calls++
			body, err := io.ReadAll(req.Body)
			if string(body) != "pay" || err != nil {
				t.Errorf("the server read %q, %v", body, err)
			}
			return answer(req, 200, ""), nil
		}), r)
		for range 2 {
			// MultiReader: no GetBody, so the one body must survive being turned away.
			resp, err := rt.RoundTrip(request(t, http.MethodPost, "http://example.com", io.MultiReader(strings.NewReader("pay"))))
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
		}
		if calls != 2 {
			t.Errorf("sent %d times, want each once", calls)
		}
	})
}

func TestBodiesAreSentAgain(t *testing.T) {
	var got []string
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(req.Body)
		_ = req.Body.Close()
		got = append(got, string(body))
		return answer(req, 500, ""), nil
	}), runner(t, atOnce(3)))
	resp, err := rt.RoundTrip(request(t, http.MethodPut, "http://example.com", strings.NewReader("state")))
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	if strings.Join(got, ",") != "state,state,state" {
		t.Errorf("the server read %q", got)
	}
}

func TestBodyThatCannotBeReadAgainIsSentOnce(t *testing.T) {
	for _, fail := range []error{errBroken, errDial} {
		calls := 0
		rt := cladhttp.New(roundTripper(func(*http.Request) (*http.Response, error) {
			calls++
			return nil, fail
		}), runner(t, atOnce(3)))
		err := fails(t, rt, request(t, http.MethodPut, "http://example.com", io.MultiReader(strings.NewReader("x"))))
		if !errors.Is(err, fail) || calls != 1 {
			t.Errorf("%v: sent %d times: %v", fail, calls, err)
		}
	}
}

func TestGetBodyThatFailsEndsTheRequest(t *testing.T) {
	errGone := errors.New("file is gone")
	calls := 0
	rt := cladhttp.New(roundTripper(func(*http.Request) (*http.Response, error) {
		calls++
		return nil, errBroken
	}), runner(t, atOnce(5)))
	req := request(t, http.MethodPut, "http://example.com", strings.NewReader("x"))
	req.GetBody = func() (io.ReadCloser, error) { return nil, errGone }
	if err := fails(t, rt, req); !errors.Is(err, errGone) || calls != 1 {
		t.Errorf("sent %d times: %v", calls, err)
	}
}

type closeNoted struct {
	io.Reader
	closed bool
}

func (c *closeNoted) Close() error { c.closed = true; return nil }

// A RoundTripper closes the request's body, also of a request that it does not
// send.
func TestBodyOfRejectedRequestIsClosed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rt := cladhttp.New(roundTripper(func(*http.Request) (*http.Response, error) {
		t.Error("sent")
		return nil, errBroken
	}), runner(t, atOnce(3)))
	body := &closeNoted{Reader: strings.NewReader("x")}
	req := request(t, http.MethodPost, "http://example.com", body).WithContext(ctx)
	err := fails(t, rt, req)
	if !errors.Is(err, policy.ErrCancelled) || !body.closed {
		t.Errorf("%v, body closed: %v", err, body.closed)
	}
}

func TestStatusesThatAreFailures(t *testing.T) {
	for status, want := range map[int]int{
		200: 1, 204: 1, 301: 1, 304: 1, 400: 1, 401: 1, 404: 1, 409: 1, 422: 1, 499: 1,
		408: 3, 425: 3, 429: 3, 500: 3, 502: 3, 503: 3, 504: 3, 599: 3, 600: 1,
		501: 1, 505: 1, // no attempt can change them
	} {
		calls := 0
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			calls++
			return answer(req, status, "why"), nil
		}), runner(t, atOnce(3)))
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
		if err != nil {
			t.Fatalf("%d: %v", status, err)
		}
		if body := read(t, resp); resp.StatusCode != status || body != "why" || calls != want {
			t.Errorf("%d: got %d %q after %d attempts, want %d", status, resp.StatusCode, body, calls, want)
		}
	}
}

func TestFailOnDecidesWhatFails(t *testing.T) {
	calls := 0
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		calls++
		return answer(req, 200, "", "X-Stale", "yes"), nil
	}), runner(t, atOnce(2)), cladhttp.FailOn(func(resp *http.Response) bool { return resp.Header.Get("X-Stale") != "" }))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
	if err != nil || calls != 2 {
		t.Fatalf("%d attempts, %v", calls, err)
	}
	read(t, resp)
}

// The caller reads the last answer, whatever happened to the ones before it:
// these are closed, once.
func TestLastAnswerIsTheCallersAndOthersAreClosed(t *testing.T) {
	for _, size := range []int{0, 10, 64 << 10, 1 << 20} {
		text := strings.Repeat("x", size)
		var bodies []*closeNoted
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			body := &closeNoted{Reader: strings.NewReader(text)}
			bodies = append(bodies, body)
			resp := answer(req, 503, "")
			resp.Body, resp.ContentLength = body, -1
			return resp, nil
		}), runner(t, atOnce(3), policy.Timeout(someTime)))
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, resp); got != text {
			t.Errorf("size %d: read %d bytes", size, len(got))
		}
		if len(bodies) != 3 {
			t.Errorf("%d attempts", len(bodies))
		}
		for i, body := range bodies {
			if !body.closed {
				t.Errorf("size %d: body %d was left open", size, i+1)
			}
		}
	}
}

// What was read before a failed answer broke off is still there, and so is why
// it did.
func TestFailedAnswerThatBreaksOff(t *testing.T) {
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 503, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errBroken)))
		return resp, nil
	}), runner(t, atOnce(2)))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); string(body) != "half" || !errors.Is(err, errBroken) {
		t.Errorf("read %q, %v", body, err)
	}
	_ = resp.Body.Close()
}

func TestRetryIfSeesTheStatus(t *testing.T) {
	retry := atOnce(5)
	var text string
	retry.RetryIf = func(err error) bool {
		var status *cladhttp.StatusError
		text = err.Error()
		return errors.As(err, &status) && status.StatusCode != http.StatusInsufficientStorage
	}
	calls := 0
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		calls++
		return answer(req, 500+7*min(calls-1, 1), ""), nil
	}), runner(t, retry))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	if calls != 2 || text != "the server answered 507 Insufficient Storage" {
		t.Errorf("%d attempts, %q", calls, text)
	}
}

func TestBreakerCountsFailedAnswers(t *testing.T) {
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		return answer(req, 500, "no"), nil
	}), runner(t, policy.CircuitBreaker{FailureThreshold: 2}))
	for range 2 {
		resp, err := rt.RoundTrip(request(t, http.MethodPost, "http://example.com", nil))
		if err != nil {
			t.Fatal(err)
		}
		read(t, resp)
	}
	err := fails(t, rt, request(t, http.MethodPost, "http://example.com", nil))
	if !errors.Is(err, policy.ErrCircuitOpen) {
		t.Errorf("got %v, want an open circuit", err)
	}
}

// The breaker tripped between two attempts: what clad did then is an error, not
// the answer to the attempt before, whose body is closed.
func TestRejectionAfterAnAnswerIsAnError(t *testing.T) {
	body := &closeNoted{Reader: strings.NewReader("no")}
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		resp := answer(req, 500, "")
		resp.Body = body
		return resp, nil
	}), runner(t, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}))
	err := fails(t, rt, request(t, http.MethodGet, "http://example.com", nil))
	var status *cladhttp.StatusError
	if !errors.Is(err, policy.ErrCircuitOpen) || !errors.As(err, &status) || !body.closed {
		t.Errorf("got %v, body closed: %v", err, body.closed)
	}
}

func TestRequestsAreNotChanged(t *testing.T) {
	header := http.Header{"Traceparent": {"00-1"}, "Baggage": {"a=b"}}
	var seen []*http.Request
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req)
		return answer(req, 500, ""), nil
	}), runner(t, atOnce(2), policy.Timeout(someTime)), cladhttp.Silent())
	req := request(t, http.MethodPut, "http://example.com/a", strings.NewReader("x"))
	req.Header = header.Clone()
	before, body := *req, req.Body
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	if req.Body != body || req.Context() != before.Context() || req.URL != before.URL || len(req.Header) != 2 {
		t.Error("the caller's request was changed")
	}
	for _, sent := range seen {
		if sent == req {
			t.Error("the attempt's context needs a request of its own")
		}
		for name, want := range header {
			if sent.Header.Get(name) != want[0] || len(sent.Header) != 2 {
				t.Errorf("sent %v, want %v", sent.Header, header)
			}
		}
	}
}

func TestTimeoutIsToldFromTheCallersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			<-req.Context().Done()
			return nil, req.Context().Err()
		}), runner(t, policy.Timeout(time.Second)))
		err := fails(t, rt, request(t, http.MethodGet, "http://example.com", nil))
		if !errors.Is(err, policy.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err = fails(t, rt, request(t, http.MethodGet, "http://example.com", nil).WithContext(ctx))
		if !errors.Is(err, policy.ErrCancelled) || errors.Is(err, policy.ErrTimeout) {
			t.Errorf("got %v", err)
		}
	})
}

// A failed answer that came after the deadline is no answer to be read: its
// body's context is over.
func TestLateFailureIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &closeNoted{Reader: strings.NewReader("late")}
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Second)
			resp := answer(req, 500, "")
			resp.Body = body
			return resp, nil
		}), runner(t, policy.Timeout(time.Second)))
		err := fails(t, rt, request(t, http.MethodPost, "http://example.com", nil))
		var status *cladhttp.StatusError
		if !errors.Is(err, policy.ErrTimeout) || !errors.As(err, &status) || !body.closed {
			t.Errorf("got %v, body closed: %v", err, body.closed)
		}
	})
}

func TestRunnerOfAnotherMaking(t *testing.T) {
	var twice anyRunner = func(ctx context.Context, fn func(context.Context) error) error {
		if err := fn(ctx); err == nil || !policy.IsRetryable(err) {
			return err
		}
		return fn(ctx)
	}
	for method, want := range map[string]int{http.MethodGet: 2, http.MethodPost: 1} {
		calls := 0
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			calls++
			return answer(req, 503, "busy"), nil
		}), twice)
		resp, err := rt.RoundTrip(request(t, method, "http://example.com", nil))
		if err != nil {
			t.Fatal(err)
		}
		if body := read(t, resp); body != "busy" || calls != want {
			t.Errorf("%s: %q after %d attempts", method, body, calls)
		}
	}
}

type anyRunner func(context.Context, func(context.Context) error) error

func (r anyRunner) Run(ctx context.Context, fn func(context.Context) error) error { return r(ctx, fn) }

func TestNilRunnerIsRefused(t *testing.T) {
	for name, make := range map[string]func(){
		"New":   func() { cladhttp.New(nil, nil) },
		"Limit": func() { cladhttp.Limit(nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s took a nil runner: requests would go unguarded", name)
				}
			}()
			make()
		}()
	}
}

type idleCloser struct {
	roundTripper
	closed bool
}

func (c *idleCloser) CloseIdleConnections() { c.closed = true }

func TestClientIsCopiedAndTransportReachable(t *testing.T) {
	next := &idleCloser{}
	c := &http.Client{Transport: next, Timeout: someTime}
	guarded := cladhttp.Client(c, runner(t, atOnce(2)))
	if c.Transport != http.RoundTripper(next) || guarded.Timeout != someTime {
		t.Error("the client was changed, or not copied")
	}
	guarded.CloseIdleConnections()
	if !next.closed {
		t.Error("CloseIdleConnections is lost")
	}
	u, ok := guarded.Transport.(interface{ Unwrap() http.RoundTripper })
	if !ok || u.Unwrap() != http.RoundTripper(next) {
		t.Error("Unwrap does not lead to the transport")
	}
	if u := cladhttp.Client(nil, runner(t)).Transport.(interface{ Unwrap() http.RoundTripper }); u.Unwrap() != http.DefaultTransport {
		t.Error("the default client's transport is the default one")
	}
}

// Without a policy the request itself goes through, and nothing is made for it.
func TestNoPolicyCostsNothing(t *testing.T) {
	req := request(t, http.MethodGet, "fake://example.com", nil)
	n := allocations(t, req, func(got *http.Request) {
		if got != req {
			t.Error("another request")
		}
	}, nil)
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A request costs two allocations more than without: one for all that is needed of
// it, and the deadline. What a server is told of those takes two more: a map that
// is not the caller's.
func TestAllocationsOfAGuardedRequest(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	req := request(t, http.MethodPost, "fake://example.com", strings.NewReader("x"))
	retry, breaker := policy.Retry{}, policy.CircuitBreaker{}
	bare := allocations(t, req, func(*http.Request) {}, nil)
	for _, c := range []struct {
		layers []policy.Policy
		opts   []cladhttp.Option
		more   float64
	}{
		{[]policy.Policy{breaker}, nil, 1},
		{[]policy.Policy{retry, breaker}, nil, 1},
		{[]policy.Policy{retry, breaker, policy.Timeout(someTime)}, []cladhttp.Option{cladhttp.Silent()}, 2},
		{[]policy.Policy{retry, breaker, policy.Timeout(someTime)}, nil, 2 + 2},
	} {
		if n := allocations(t, req, func(*http.Request) {}, c.opts, c.layers...); n-bare > c.more {
			t.Errorf("%v: %v allocations more than the %v without, want %v", policy.Combine(c.layers...), n-bare, bare, c.more)
		}
	}
}

// allocations counts those of a request through net/http's transport under the
// layers.
func allocations(t *testing.T, req *http.Request, sent func(*http.Request), opts []cladhttp.Option, layers ...policy.Policy) float64 {
	t.Helper()
	var resp http.Response
	body := io.NopCloser(bytes.NewReader(nil))
	next := &http.Transport{}
	next.RegisterProtocol("fake", roundTripper(func(req *http.Request) (*http.Response, error) {
		sent(req)
		resp = http.Response{StatusCode: http.StatusOK, Body: body}
		return &resp, nil
	}))
	rt := cladhttp.New(next, runner(t, layers...), opts...)
	return testing.AllocsPerRun(100, func() {
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	})
}
