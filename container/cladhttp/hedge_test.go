package cladhttp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// hedge is soon enough for a test to be short, and later than a loopback answers.
var hedge = policy.Hedge{Delay: 50 * time.Millisecond, Budget: 1}

// store is a server whose n-th request is answered as a test has it.
type store struct {
	url    string
	answer func(w http.ResponseWriter, req *http.Request, n int)

	mu       sync.Mutex
	requests []http.Header
	gone     atomic.Int64 // requests whose client has left
}

func newStore(t *testing.T, answer func(http.ResponseWriter, *http.Request, int)) *store {
	t.Helper()
	s := &store{answer: answer}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *store) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, req.Header.Clone())
	n := len(s.requests)
	s.mu.Unlock()
	s.answer(w, req, n)
	if req.Context().Err() != nil {
		s.gone.Add(1)
	}
}

func (s *store) asked() []http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// untilItsClientLeaves answers nothing.
func untilItsClientLeaves(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }

// bodies counts the bodies of responses, and those that were closed.
type bodies struct{ opened, closed atomic.Int64 }

type countedBody struct {
	io.ReadCloser
	once sync.Once
	in   *bodies
}

func (b *countedBody) Close() error {
	b.once.Do(func() { b.in.closed.Add(1) })
	return b.ReadCloser.Close()
}

// hedgedTransport is a transport as a container wraps it, and the bodies that came
// out of it.
func hedgedTransport(t *testing.T, layers ...policy.Policy) (http.RoundTripper, *container.Orchestrator, *bodies) {
	t.Helper()
	next := &http.Transport{}
	t.Cleanup(next.CloseIdleConnections)
	of := &bodies{}
	counting := roundTripper(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err == nil && resp.Body != http.NoBody {
			of.opened.Add(1)
			resp.Body = &countedBody{ReadCloser: resp.Body, in: of}
		}
		return resp, err
	})
	rt, o := tagged(t, counting, layers...)
	return rt, o, of
}

func tagged(t *testing.T, next http.RoundTripper, layers ...policy.Policy) (rt http.RoundTripper, o *container.Orchestrator) {
	t.Helper()
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(layers...)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() http.RoundTripper { return next }, "p")); err != nil {
		t.Fatal(err)
	}
	if err := box.Invoke(func(wrapped http.RoundTripper) { rt = wrapped }); err != nil {
		t.Fatal(err)
	}
	return rt, box.Orchestrator()
}

func TestAHedgeOvertakesASlowRequest(t *testing.T) {
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, n int) {
		if n == 1 {
			untilItsClientLeaves(w, req)
			return
		}
		_, _ = io.WriteString(w, strconv.Itoa(n))
	})
	rt, o, of := hedgedTransport(t, policy.Timeout(someTime), atOnce(3), hedge,
		policy.Bulkhead{Name: "b", MaxConcurrent: 2}, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
	req := request(t, http.MethodGet, s.url, nil)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Request != req {
		t.Error("the response's request is not the caller's")
	}
	if m := o.Metrics(); m.TotalOperations != 0 {
		t.Errorf("counted before its body has ended: %+v", m.Totals)
	}
	eventually(t, "the slow request is cancelled", func() bool { return s.gone.Load() == 1 })
	b, _ := o.Bulkhead("b")
	eventually(t, "its permit is back, and the other's is held", func() bool { return b.Status().InUse == 1 })
	if got := read(t, resp); got != "2" {
		t.Errorf("the answer is %q", got)
	}
	if got := b.Status().InUse; got != 0 {
		t.Errorf("%d permits are in use", got)
	}
	if m := o.Metrics(); m.Hedges != 1 || m.TotalOperations != 1 || m.SuccessfulOperations != 1 || m.CircuitBreakerTrips != 0 || m.RetryAttempts != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
	if of.opened.Load() != of.closed.Load() {
		t.Errorf("%d of %d bodies were closed", of.closed.Load(), of.opened.Load())
	}
	for _, h := range s.asked() { // two attempts, as part of one of three
		if h.Get("Clad-Retries-Left") != "2" || h.Get("Clad-Timeout-Ms") == "" {
			t.Errorf("a request told: %v", h)
		}
	}
}

// The body of the answer is read while the others are cancelled: their end is not
// its own.
func TestTheBodyOfAHedgedAnswerGoesOn(t *testing.T) {
	rest := make(chan struct{})
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, n int) {
		if n == 1 {
			untilItsClientLeaves(w, req)
			return
		}
		_, _ = io.WriteString(w, "one ")
		_ = http.NewResponseController(w).Flush()
		<-rest
		_, _ = io.WriteString(w, "two")
	})
	rt, o, _ := hedgedTransport(t, hedge, policy.Timeout(someTime))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, s.url, nil))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the slow request is cancelled", func() bool { return s.gone.Load() == 1 })
	close(rest)
	if got := read(t, resp); got != "one two" {
		t.Errorf("read %q", got)
	}
	if m := o.Metrics(); m.SuccessfulOperations != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

// A body that stalls until the attempt's deadline is a timeout, as it is without a
// hedge.
func TestAHedgedBodyThatStallsIsATimeout(t *testing.T) {
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, n int) {
		if n == 2 {
			_, _ = io.WriteString(w, "half")
			_ = http.NewResponseController(w).Flush()
		}
		untilItsClientLeaves(w, req)
	})
	rt, o, of := hedgedTransport(t, hedge, policy.CircuitBreaker{Name: "b", FailureThreshold: 1}, policy.Timeout(2*time.Second))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, s.url, nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(resp.Body)
	if !errors.Is(err, policy.ErrTimeout) {
		t.Errorf("read until %v", err)
	}
	_ = resp.Body.Close()
	b, _ := o.CircuitBreaker("b")
	if m := o.Metrics(); m.TimeoutCount != 1 || m.FailedOperations != 1 || b.State() != policy.StateOpen {
		t.Errorf("metrics are %+v, the breaker is %v", m.Totals, b.State())
	}
	eventually(t, "all bodies are closed", func() bool { return of.opened.Load() == of.closed.Load() })
}

func TestBothHedgedRequestsFail(t *testing.T) {
	both := make(chan struct{})
	s := newStore(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 2 {
			close(both)
		}
		<-both
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "busy")
	})
	rt, o, of := hedgedTransport(t, hedge, policy.CircuitBreaker{FailureThreshold: 3})
	resp, err := rt.RoundTrip(request(t, http.MethodGet, s.url, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, resp); resp.StatusCode != http.StatusServiceUnavailable || got != "busy" {
		t.Errorf("got %d %q", resp.StatusCode, got)
	}
	if m := o.Metrics(); len(s.asked()) != 2 || m.FailedOperations != 1 || m.TotalOperations != 1 || m.CircuitBreakerTrips != 0 {
		t.Errorf("%d requests, metrics %+v", len(s.asked()), m.Totals)
	}
	eventually(t, "all bodies are closed", func() bool { return of.opened.Load() == 2 && of.closed.Load() == 2 })
}

// A retry around a hedge goes on where both have failed.
func TestARetryFollowsHedgesThatFailed(t *testing.T) {
	both := make(chan struct{})
	s := newStore(t, func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 2 {
			close(both)
		}
		<-both
		if n <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, strconv.Itoa(n))
	})
	rt, o, of := hedgedTransport(t, atOnce(2), hedge, policy.Timeout(someTime))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, s.url, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, resp); resp.StatusCode != http.StatusOK || got != "3" {
		t.Errorf("got %d %q", resp.StatusCode, got)
	}
	if m := o.Metrics(); m.SuccessfulOperations != 1 || m.RetryAttempts != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
	eventually(t, "all bodies are closed", func() bool { return of.opened.Load() == of.closed.Load() })
}

// What the server answers decides, also where it is no.
func TestAnAnswerDecidesARace(t *testing.T) {
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, n int) {
		if n == 1 {
			untilItsClientLeaves(w, req)
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "no such thing")
	})
	rt, o, _ := hedgedTransport(t, atOnce(3), hedge, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		s.mu.Lock()
		s.requests = nil
		s.mu.Unlock()
		resp, err := rt.RoundTrip(request(t, method, s.url, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, resp); resp.StatusCode != http.StatusNotFound || method == http.MethodGet && got != "no such thing" {
			t.Errorf("got %d %q", resp.StatusCode, got)
		}
		if n := len(s.asked()); n != 2 {
			t.Errorf("%s: %d requests", method, n)
		}
	}
	if m := o.Metrics(); m.Answered != 2 || m.SuccessfulOperations != 2 || m.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestHedgedRequestsEndWithTheirCaller(t *testing.T) {
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, _ int) { untilItsClientLeaves(w, req) })
	rt, o, _ := hedgedTransport(t, atOnce(3), hedge, policy.Bulkhead{Name: "b", MaxConcurrent: 2}, policy.Timeout(someTime))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(s.asked()) < 2 {
			time.Sleep(time.Millisecond) // real time: until both are on their way
		}
		cancel()
	}()
	err := fails(t, rt, request(t, http.MethodGet, s.url, nil).WithContext(ctx))
	if !errors.Is(err, policy.ErrCancelled) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	eventually(t, "both requests end", func() bool { return s.gone.Load() == 2 })
	b, _ := o.Bulkhead("b")
	eventually(t, "the permits are back", func() bool { return b.Status().InUse == 0 })
	if m := o.Metrics(); m.Cancelled != 1 || m.TotalOperations != 1 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

// Writes are not hedged, though some may be repeated, nor is what has a body or asks
// for another protocol.
func TestOnlyRequestsThatReadAreHedged(t *testing.T) {
	for name, tt := range map[string]struct {
		method, body, upgrade string
		want                  int
	}{
		"GET":             {http.MethodGet, "", "", 2},
		"HEAD":            {http.MethodHead, "", "", 2},
		"OPTIONS":         {http.MethodOptions, "", "", 2},
		"PUT":             {http.MethodPut, "x", "", 1},
		"DELETE":          {http.MethodDelete, "", "", 1},
		"POST":            {http.MethodPost, "x", "", 1},
		"GET with a body": {http.MethodGet, "x", "", 1},
		"an upgrade":      {http.MethodGet, "", "websocket", 1},
	} {
		t.Run(name, func(t *testing.T) {
			second := make(chan struct{})
			s := newStore(t, func(_ http.ResponseWriter, _ *http.Request, n int) {
				if n == 2 {
					close(second)
				}
				patience := someTime
				if tt.want == 1 {
					patience = 4 * hedge.Delay // real time: it would have come by then
				}
				select {
				case <-second:
				case <-time.After(patience):
				}
			})
			rt, _, _ := hedgedTransport(t, atOnce(2), hedge)
			var body io.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			req := request(t, tt.method, s.url, body)
			if tt.upgrade != "" {
				req.Header.Set("Connection", "upgrade")
				req.Header.Set("Upgrade", tt.upgrade)
			}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if n := len(s.asked()); n != tt.want {
				t.Errorf("%d requests, want %d", n, tt.want)
			}
		})
	}
}

func TestHedgesOfRequestsHaveABudget(t *testing.T) {
	s := newStore(t, func(http.ResponseWriter, *http.Request, int) {
		time.Sleep(5 * time.Millisecond) // real time: longer than the delay
	})
	rt, o, _ := hedgedTransport(t, policy.Hedge{Delay: time.Millisecond, Budget: 0.2})
	const calls = 50
	for range calls {
		resp, err := rt.RoundTrip(request(t, http.MethodGet, s.url, nil))
		if err != nil {
			t.Fatal(err)
		}
		read(t, resp)
	}
	if m := o.Metrics(); m.Hedges == 0 || m.Hedges > calls/5 || m.SuccessfulOperations != calls {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

func TestManyRequestsAreHedgedAtOnce(t *testing.T) {
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, n int) {
		switch {
		case n%3 == 0:
			select {
			case <-time.After(20 * time.Millisecond): // real time: the race is what is tested
			case <-req.Context().Done():
			}
		case n%7 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	})
	rt, o, of := hedgedTransport(t, atOnce(10), policy.Hedge{Delay: 2 * time.Millisecond, Budget: 1, MaxHedges: 2},
		policy.Bulkhead{Name: "b", MaxConcurrent: 100}, policy.Timeout(someTime))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				resp, err := rt.RoundTrip(request(t, http.MethodGet, s.url, nil))
				if err != nil {
					t.Error(err)
					continue
				}
				if got := read(t, resp); len(got) != 10_000 {
					t.Errorf("read %d bytes of %d", len(got), resp.StatusCode)
				}
			}
		})
	}
	wg.Wait()
	b, _ := o.Bulkhead("b")
	eventually(t, "all permits are back", func() bool { return b.Status().InUse == 0 })
	eventually(t, "all bodies are closed", func() bool { return of.opened.Load() == of.closed.Load() })
	if m := o.Metrics(); m.TotalOperations != 160 || m.SuccessfulOperations != 160 {
		t.Errorf("metrics are %+v", m.Totals)
	}
}

// Whoever chooses a policy for GET has its hedge carried out as well.
func TestAHedgeThatIsChosenForAMethod(t *testing.T) {
	s := newStore(t, func(w http.ResponseWriter, req *http.Request, n int) {
		if n == 1 {
			untilItsClientLeaves(w, req)
		}
	})
	next := &http.Transport{}
	t.Cleanup(next.CloseIdleConnections)
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"slow": policy.Timeout(someTime), "fast": hedge}})
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() *http.Client { return &http.Client{Transport: next} }, "slow", container.Method("GET", "fast"))); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(c *http.Client) error {
		resp, err := c.Do(request(t, http.MethodGet, s.url, nil))
		if err == nil {
			read(t, resp)
		}
		return err
	})
	if err != nil || len(s.asked()) != 2 {
		t.Errorf("%d requests: %v", len(s.asked()), err)
	}
}

// A policy that is chosen for a route is hedged as one for a method is: where a
// request only reads.
func TestAHedgeThatIsChosenForARoute(t *testing.T) {
	for name, tt := range map[string]struct {
		method, route string
		want          int
	}{
		"with its method":           {http.MethodGet, "GET /users/{id}", 2},
		"of any method":             {http.MethodGet, "/reports", 2},
		"of any method, to write":   {http.MethodPost, "/reports", 1},
		"with a method that writes": {http.MethodPut, "PUT /users/{id}", 1},
		"another":                   {http.MethodGet, "/elsewhere", 1},
	} {
		t.Run(name, func(t *testing.T) {
			second := make(chan struct{})
			s := newStore(t, func(_ http.ResponseWriter, _ *http.Request, n int) {
				if n == 2 {
					close(second)
				}
				patience := someTime
				if tt.want == 1 {
					patience = 4 * hedge.Delay // real time: it would have come by then
				}
				select {
				case <-second:
				case <-time.After(patience):
				}
			})
			next := &http.Transport{}
			t.Cleanup(next.CloseIdleConnections)
			box, err := container.New(policy.Catalog{
				Policies: map[string]policy.Policy{"slow": policy.Timeout(someTime), "fast": hedge},
				Services: map[string]policy.Service{"http.Client": {Methods: map[string]string{
					"GET /users/{id}": "fast", "PUT /users/{id}": "fast", "/reports": "fast",
				}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := box.Provide(container.Tag(func() *http.Client { return &http.Client{Transport: next} }, "slow")); err != nil {
				t.Fatal(err)
			}
			err = box.Invoke(func(c *http.Client) error {
				req := request(t, tt.method, s.url, nil)
				resp, err := c.Do(req.WithContext(cladhttp.Route(req.Context(), tt.route)))
				if err == nil {
					read(t, resp)
				}
				return err
			})
			if err != nil || len(s.asked()) != tt.want {
				t.Errorf("%d requests, want %d: %v", len(s.asked()), tt.want, err)
			}
			for _, m := range box.Orchestrator().Services()[0].Methods {
				if want := m.Name == "GET /users/{id}" || m.Name == "/reports"; m.Policy == "fast" && (m.Guard == container.GuardedHedging) != want {
					t.Errorf("%s is listed as %s", m.Name, m.Guard)
				}
			}
		})
	}
}
