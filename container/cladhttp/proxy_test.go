package cladhttp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// The tests in this file have a real reverse proxy between a client and a server:
// its transport is guarded, and so is itself as a handler. What its clients do to
// it must not open a circuit for others.

type proxied struct {
	url             string
	inward, outward func() policy.Totals
}

// proxy starts a reverse proxy for a backend, with what else stands before it.
func proxy(t *testing.T, backend http.HandlerFunc, before func(http.Handler) http.Handler, layers ...policy.Policy) proxied {
	t.Helper()
	s := httptest.NewUnstartedServer(backend)
	s.Config.ErrorLog = quiet
	s.Start()
	t.Cleanup(s.Close)
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	rt, outward := guarded(t, s.Client().Transport, layers...)
	o := newOrchestrator(t)
	limit, err := o.For("proxy", policy.CircuitBreaker{FailureThreshold: 3})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(cladhttp.Limit(limit)(before(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: rt,
		ErrorLog:  quiet,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			cladhttp.WriteError(w, err)
		},
	})))
	front.Config.ErrorLog = quiet
	front.Start()
	t.Cleanup(front.Close)
	return proxied{front.URL, func() policy.Totals { return o.Metrics().Totals }, outward}
}

func asItIs(h http.Handler) http.Handler { return h }

// eventually waits until something is so that real connections bring about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(end) {
			t.Fatalf("not so: %s", what)
		}
		// real time: the ends of connections come when they come
		time.Sleep(time.Millisecond)
	}
}

// When a browser closes a tab, the proxy panics with http.ErrAbortHandler: three
// such tabs opened the circuit for everybody.
func TestClosedTabsOpenNoCircuit(t *testing.T) {
	p := proxy(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil && r.URL.Path == "/long" {
			fmt.Fprint(w, strings.Repeat("x", 1<<16))
		}
	}, asItIs, atOnce(3), policy.CircuitBreaker{FailureThreshold: 3}, policy.Timeout(someTime))
	for range 5 {
		ctx, closeTab := context.WithCancel(t.Context())
		resp, err := http.DefaultClient.Do(request(t, http.MethodGet, p.url+"/long", nil).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(resp.Body, make([]byte, 1<<16))
		closeTab()
		_ = resp.Body.Close()
	}
	eventually(t, "all requests have ended", func() bool {
		return p.inward().TotalOperations == 5 && p.outward().TotalOperations == 5
	})
	if m := p.inward(); m.CircuitBreakerTrips != 0 || m.Cancelled != 5 {
		t.Errorf("the handler: metrics are %+v", m)
	}
	// The proxy may notice when it writes, and then leaves the body unread.
	if m := p.outward(); m.CircuitBreakerTrips != 0 || m.Cancelled != m.FailedOperations {
		t.Errorf("the transport: metrics are %+v", m)
	}
	if resp, err := http.Get(p.url); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("the next visitor got %v, %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
}

// Five uploads that were too large shut everyone out.
func TestUploadsThatAreTooLargeOpenNoCircuit(t *testing.T) {
	p := proxy(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
			h.ServeHTTP(w, r)
		})
	}, atOnce(3), policy.CircuitBreaker{FailureThreshold: 3})
	post := func(size int) (status int) {
		resp, err := http.DefaultClient.Do(request(t, http.MethodPost, p.url, strings.NewReader(strings.Repeat("x", size))))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for range 5 {
		if got := post(1 << 14); got != http.StatusRequestEntityTooLarge {
			t.Errorf("got %d", got)
		}
	}
	if got := post(1); got != http.StatusOK {
		t.Errorf("the next visitor got %d", got)
	}
	for name, m := range map[string]policy.Totals{"the handler": p.inward(), "the transport": p.outward()} {
		if m.CircuitBreakerTrips != 0 || m.FailedOperations != 5 || m.RetryAttempts != 0 {
			t.Errorf("%s: metrics are %+v", name, m)
		}
	}
}

// The same for clients that go away in the middle of what they send.
func TestUploadsThatBreakOffOpenNoCircuit(t *testing.T) {
	var reached atomic.Int32
	p := proxy(t, func(_ http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
	}, asItIs, policy.CircuitBreaker{FailureThreshold: 3})
	for n := range int32(5) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000\r\n\r\n", strings.Repeat("x", 50_000))
		eventually(t, "the backend has the request", func() bool { return reached.Load() > n })
		_ = conn.Close()
	}
	eventually(t, "all requests have ended", func() bool {
		return p.inward().TotalOperations == 5 && p.outward().TotalOperations == 5
	})
	for name, m := range map[string]policy.Totals{"the handler": p.inward(), "the transport": p.outward()} {
		if m.CircuitBreakerTrips != 0 || m.FailedOperations != 5 {
			t.Errorf("%s: metrics are %+v", name, m)
		}
	}
}

// A failure of the backend is one still.
func TestProxyOfABackendThatFails(t *testing.T) {
	p := proxy(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, asItIs, policy.CircuitBreaker{FailureThreshold: 3})
	for _, want := range []int{500, 500, 500, 503} {
		resp, err := http.Get(p.url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("got %d, want %d", resp.StatusCode, want)
		}
	}
}

// wire is a connection with more to it than io.ReadWriteCloser.
type wire struct{ net.Conn }

func (wire) CloseWrite() error { return errors.New("half-closed") }

// The body of an upgraded connection was one of clad's own, which had lost what the
// transport's had beyond reading, writing and closing.
func TestUpgradedConnectionIsTheTransportsOwn(t *testing.T) {
	own := wire{}
	var attempt context.Context
	rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
		attempt = req.Context()
		resp := answer(req, http.StatusSwitchingProtocols, "")
		resp.Body = own
		return resp, nil
	}), atOnce(3), policy.CircuitBreaker{}, policy.Timeout(someTime))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil)) //nolint:bodyclose // it is no body
	if err != nil {
		t.Fatal(err)
	}
	if resp.Body != io.ReadCloser(own) {
		t.Errorf("the body is a %T", resp.Body)
	}
	if attempt.Err() != nil {
		t.Error("the context ended while the connection is in use")
	}
	if m := metrics(); m.SuccessfulOperations != 1 {
		t.Errorf("metrics are %+v", m)
	}
}

// A reverse proxy takes over both ends of an upgraded connection.
func TestProxyOfAnUpgradedConnection(t *testing.T) {
	p := proxy(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		_, _ = io.Copy(conn, rw)
	}, asItIs, policy.CircuitBreaker{}, policy.Timeout(time.Second))
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", resp, err)
	}
	_ = resp.Body.Close()
	// real time: the connection is in use for longer than its request may take
	time.Sleep(1200 * time.Millisecond)
	fmt.Fprint(conn, "hello\n")
	if line, err := in.ReadString('\n'); line != "hello\n" {
		t.Errorf("read %q, %v", line, err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(in); len(rest) != 0 || err != nil {
		t.Errorf("read %q, %v", rest, err)
	}
	if m := p.outward(); m.TimeoutCount != 0 || m.SuccessfulOperations != 1 {
		t.Errorf("metrics are %+v", m)
	}
}
