package cladhttp_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// handle sends a request through the middleware and returns the answer.
func handle(t *testing.T, limit func(http.Handler) http.Handler, h http.HandlerFunc) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	limit(h).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	return w
}

func TestLimitTurnsAwayWhatIsTooMuch(t *testing.T) {
	limit := cladhttp.Limit(runner(t, policy.RateLimit{RequestsPerSecond: 0.1, Burst: 1}))
	ok := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "served") }
	if resp := handle(t, limit, ok); resp.Code != http.StatusOK || resp.Body.String() != "served" {
		t.Errorf("the first got %d", resp.Code)
	}
	resp := handle(t, limit, func(http.ResponseWriter, *http.Request) { t.Error("served") })
	if resp.Code != http.StatusTooManyRequests || resp.Header().Get("Retry-After") != "10" {
		t.Errorf("the second got %d, Retry-After %q", resp.Code, resp.Header().Get("Retry-After"))
	}
}

func TestLimitAnswersForAHandlerThatRanOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := cladhttp.Limit(runner(t, policy.Timeout(time.Second)))
		wait := func(_ http.ResponseWriter, r *http.Request) {
			if _, ok := r.Context().Deadline(); !ok {
				t.Error("the deadline is not on the request's context")
			}
			<-r.Context().Done()
		}
		if resp := handle(t, limit, wait); resp.Code != http.StatusGatewayTimeout {
			t.Errorf("got %d", resp.Code)
		}
		late := func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(2 * time.Second)
			fmt.Fprint(w, "late")
		}
		if resp := handle(t, limit, late); resp.Code != http.StatusOK || resp.Body.String() != "late" {
			t.Errorf("a late answer is one: got %d", resp.Code)
		}
	})
}

func TestLimitLeavesAnEmptyAnswerAlone(t *testing.T) {
	resp := handle(t, cladhttp.Limit(runner(t, policy.Timeout(someTime))), func(http.ResponseWriter, *http.Request) {})
	if resp.Code != http.StatusOK || resp.Body.String() != "" {
		t.Errorf("got %d", resp.Code)
	}
}

// A retry in the policy ran the handler, and with it its effects, several times.
func TestLimitNeverRunsAHandlerTwice(t *testing.T) {
	retry := atOnce(5)
	retry.RetryIf = func(error) bool { return true }
	runs := 0
	resp := handle(t, cladhttp.Limit(runner(t, retry)), func(w http.ResponseWriter, _ *http.Request) {
		runs++
		http.Error(w, "broken", http.StatusInternalServerError)
	})
	if runs != 1 || resp.Code != http.StatusInternalServerError || resp.Body.String() != "broken\n" {
		t.Errorf("%d runs, %d", runs, resp.Code)
	}
}

func TestLimitCountsFailedAnswers(t *testing.T) {
	limit := cladhttp.Limit(runner(t, policy.CircuitBreaker{FailureThreshold: 1}))
	for _, c := range []struct{ answer, want int }{{404, 404}, {500, 500}, {200, 503}} {
		resp := handle(t, limit, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.answer) })
		if resp.Code != c.want {
			t.Errorf("the handler answers %d: got %d, want %d", c.answer, resp.Code, c.want)
		}
	}
}

// The 503 of a dependency's open circuit looked like a failure of the server, and
// opened the server's own circuit as well.
func TestLimitIsToldByWriteErrorWhatFailed(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		open   bool
	}{
		{&policy.CircuitOpenError{}, http.StatusServiceUnavailable, false},
		{&policy.RateLimitedError{}, http.StatusTooManyRequests, false},
		{&policy.TimeoutError{}, http.StatusGatewayTimeout, true},
		{policy.Permanent(errBroken), http.StatusInternalServerError, false},
		{errBroken, http.StatusInternalServerError, true},
	} {
		limit := cladhttp.Limit(runner(t, policy.CircuitBreaker{FailureThreshold: 1}))
		failing := func(w http.ResponseWriter, _ *http.Request) { cladhttp.WriteError(wrapping{writer{w}}, c.err) }
		if resp := handle(t, limit, failing); resp.Code != c.status {
			t.Errorf("%v: got %d, want %d", c.err, resp.Code, c.status)
		}
		resp := handle(t, limit, func(http.ResponseWriter, *http.Request) {})
		if open := resp.Code != http.StatusOK; open != c.open {
			t.Errorf("%v: the next one got %d", c.err, resp.Code)
		}
	}
}

func TestLimitLetsPanicsThrough(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the panic is lost")
		}
	}()
	handle(t, cladhttp.Limit(runner(t, policy.CircuitBreaker{})), func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	})
}

// writer is a ResponseWriter that can do nothing more.
type writer struct{ http.ResponseWriter }

// wrapping is what other middleware puts around one.
type wrapping struct{ writer }

func (w wrapping) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type flushing struct {
	writer
	http.Flusher
}

type hijacking struct {
	writer
	http.Hijacker
}

type both struct {
	writer
	http.Flusher
	http.Hijacker
}

func TestLimitShowsWhatTheWriterCan(t *testing.T) {
	recorder := httptest.NewRecorder()
	plain := writer{recorder}
	for _, w := range []http.ResponseWriter{plain, flushing{plain, recorder}, hijacking{plain, fakeHijacker{}}, both{plain, recorder, fakeHijacker{}}} {
		_, wantFlusher := w.(http.Flusher)
		_, wantHijacker := w.(http.Hijacker)
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, flusher := w.(http.Flusher)
			_, hijacker := w.(http.Hijacker)
			if flusher != wantFlusher || hijacker != wantHijacker {
				t.Errorf("%T: flusher %v, want %v; hijacker %v, want %v", w, flusher, wantFlusher, hijacker, wantHijacker)
			}
			control := http.NewResponseController(w)
			if _, _, err := control.Hijack(); (err == nil) != wantHijacker {
				t.Errorf("%T: Hijack: %v", w, err)
			}
			if err := control.Flush(); (err == nil) != wantFlusher || err != nil && !errors.Is(err, http.ErrNotSupported) {
				t.Errorf("%T: Flush: %v", w, err)
			}
		})
		cladhttp.Limit(runner(t, policy.Timeout(someTime)))(h).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	}
}

type fakeHijacker struct{}

func (fakeHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// limited starts a real server behind the middleware.
func limited(t *testing.T, h http.HandlerFunc) io.Reader {
	t.Helper()
	s := httptest.NewServer(cladhttp.Limit(runner(t, policy.Timeout(someTime), policy.CircuitBreaker{}))(h))
	t.Cleanup(s.Close)
	resp, err := s.Client().Do(request(t, http.MethodGet, s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp.Body
}

func TestLimitDoesNotBuffer(t *testing.T) {
	more := make(chan struct{})
	in := bufio.NewReader(limited(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "one\n")
		w.(http.Flusher).Flush()
		<-more
		_, _ = io.WriteString(w, "two\n")
		_, _ = io.Copy(w, io.LimitReader(strings.NewReader("three\nfour\n"), 6))
	}))
	if line, err := in.ReadString('\n'); line != "one\n" {
		t.Errorf("%q, %v", line, err)
	}
	close(more)
	if rest, err := io.ReadAll(in); string(rest) != "two\nthree\n" {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestLimitLetsAHandlerHijack(t *testing.T) {
	body := limited(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nby hand")
		_ = rw.Flush()
		_ = conn.Close()
	})
	if text, err := io.ReadAll(body); string(text) != "by hand" {
		t.Errorf("%q, %v", text, err)
	}
}

type statuses []int

func (s *statuses) Header() http.Header         { return http.Header{} }
func (s *statuses) Write(p []byte) (int, error) { return len(p), nil }
func (s *statuses) WriteHeader(status int)      { *s = append(*s, status) }

// An informational answer is not the answer.
func TestLimitSeesTheAnswerAfterEarlyHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got statuses
		cladhttp.Limit(runner(t, policy.Timeout(time.Second)))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			<-r.Context().Done()
		})).ServeHTTP(&got, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if !slices.Equal(got, []int{103, 504}) {
			t.Errorf("got %v", got)
		}
	})
}

// What a handler says no to is an answer; what it cannot do at all is neither success
// nor failure.
func TestLimitTellsAnswersFromFailures(t *testing.T) {
	for _, c := range []struct {
		status          int
		answered, trips uint64
	}{{200, 0, 0}, {304, 0, 0}, {400, 1, 0}, {404, 1, 0}, {413, 1, 0}, {429, 1, 0}, {500, 0, 1}, {501, 0, 0}, {505, 0, 0}, {503, 0, 1}} {
		o := newOrchestrator(t)
		r, err := o.For("served", policy.CircuitBreaker{FailureThreshold: 1})
		if err != nil {
			t.Fatal(err)
		}
		handle(t, cladhttp.Limit(r), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) })
		if m := o.Metrics(); m.Answered != c.answered || m.CircuitBreakerTrips != c.trips || m.TotalOperations != 1 {
			t.Errorf("%d: metrics are %+v", c.status, m.Totals)
		}
	}
}

// stalledBody says when it is read, and then keeps its reader waiting.
type stalledBody struct{ reading, closed chan struct{} }

func (s *stalledBody) Read([]byte) (int, error) {
	close(s.reading)
	<-s.closed
	return 0, io.ErrClosedPipe
}

func (s *stalledBody) Close() error { close(s.closed); return nil }

// A client's upload that failed, and with it the handler, was the server's failure.
func TestLimitTellsTheClientsFailuresFromItsOwn(t *testing.T) {
	limit := cladhttp.Limit(runner(t, policy.CircuitBreaker{FailureThreshold: 1}))
	upload := func(body io.Reader, h http.HandlerFunc) int {
		w := httptest.NewRecorder()
		limit(h).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body))
		return w.Code
	}
	store := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}
	limited := func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1))
		cladhttp.WriteError(w, err)
	}
	if got := upload(iotest.ErrReader(io.ErrUnexpectedEOF), store); got != http.StatusInternalServerError {
		t.Errorf("got %d", got)
	}
	outOfTime := cladhttp.Limit(runner(t, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(time.Millisecond)))
	for range 2 {
		body := &stalledBody{make(chan struct{}), make(chan struct{})}
		w := httptest.NewRecorder()
		outOfTime(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			go func() { _, _ = r.Body.Read(make([]byte, 1)) }()
			<-body.reading
			<-r.Context().Done()
			_ = r.Body.Close()
			w.WriteHeader(http.StatusBadGateway)
		})).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body))
		if w.Code != http.StatusBadGateway {
			t.Errorf("stalled: got %d", w.Code)
		}
	}
	if got := upload(strings.NewReader("xxx"), limited); got != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: got %d", got)
	}
	if got := upload(strings.NewReader("xxx"), store); got != http.StatusOK {
		t.Errorf("the next one: got %d", got)
	}
}
