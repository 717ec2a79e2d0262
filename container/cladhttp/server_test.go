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
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// The tests in this file talk to a real server over loopback.

// serve starts a server, and returns a client of its own that is guarded.
func serve(t *testing.T, h http.HandlerFunc, layers ...policy.Policy) (*httptest.Server, *http.Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s, cladhttp.Client(s.Client(), runner(t, layers...))
}

// watched returns a client like c that notes the context of its last attempt.
func watched(t *testing.T, c *http.Client, layers ...policy.Policy) (*http.Client, *context.Context) {
	t.Helper()
	var attempt context.Context
	next := c.Transport
	return &http.Client{Transport: cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		attempt = req.Context()
		return next.RoundTrip(req)
	}), runner(t, layers...))}, &attempt
}

// The context of the attempt ended when the call did, and the body was cut off.
func TestBodyIsReadAfterTheCall(t *testing.T) {
	more := make(chan struct{})
	s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "first ")
		w.(http.Flusher).Flush()
		<-more
		fmt.Fprint(w, strings.Repeat("x", 1<<20))
	})
	client, attempt := watched(t, s.Client(), atOnce(3), policy.CircuitBreaker{}, policy.Timeout(someTime))
	resp, err := client.Do(request(t, http.MethodGet, s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	if (*attempt).Err() != nil {
		t.Error("the context ended before the body was read")
	}
	close(more)
	if body := read(t, resp); len(body) != 6+1<<20 {
		t.Errorf("read %d bytes", len(body))
	}
	if (*attempt).Err() == nil {
		t.Error("the context goes on after the body was closed")
	}
}

// The same for a failed answer that is too long to be kept in memory.
func TestLongFailedBodyIsReadAfterTheCall(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, strings.Repeat("x", 1<<20))
	})
	client, attempt := watched(t, s.Client(), policy.Timeout(someTime), atOnce(2), policy.Timeout(someTime/2))
	resp, err := client.Do(request(t, http.MethodGet, s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, resp); len(body) != 1<<20 {
		t.Errorf("read %d bytes", len(body))
	}
	if (*attempt).Err() == nil {
		t.Error("the context goes on after the body was closed")
	}
}

// Many read a body to its end and never close it.
func TestContextEndsWithTheBody(t *testing.T) {
	s, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "text") })
	client, attempt := watched(t, s.Client(), policy.Timeout(someTime))
	resp, err := client.Do(request(t, http.MethodGet, s.URL, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); string(text) != "text" || err != nil {
		t.Errorf("read %q, %v", text, err)
	}
	if (*attempt).Err() == nil {
		t.Error("the context goes on after the body was read")
	}
}

// A body that was not read to its end cost a new connection for each attempt.
func TestConnectionIsUsedAgainBetweenAttempts(t *testing.T) {
	var calls, connections atomic.Int32
	s, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) < 3 {
			w.WriteHeader(http.StatusBadGateway)
		}
		fmt.Fprint(w, strings.Repeat("x", 10_000))
	}, atOnce(3))
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		if !info.Reused {
			connections.Add(1)
		}
	}}
	req := request(t, http.MethodGet, s.URL, nil)
	resp, err := client.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	if calls.Load() != 3 || connections.Load() != 1 {
		t.Errorf("%d attempts over %d connections", calls.Load(), connections.Load())
	}
}

func TestSwitchedProtocolStaysOpen(t *testing.T) {
	s, client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprint(rw, "echo "+line)
		_ = rw.Flush()
		rest, _ := io.ReadAll(rw) // until the client closes its half
		fmt.Fprintf(conn, "rest %s\n", rest)
	}, policy.Timeout(someTime))
	req := request(t, http.MethodGet, s.URL, nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	duplex, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		t.Fatalf("the body is a %T, which cannot be written to", resp.Body)
	}
	in := bufio.NewReader(duplex)
	say := func(text, want string) {
		t.Helper()
		fmt.Fprint(duplex, text)
		if text == "bye" {
			if err := duplex.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
				t.Error(err)
			}
		}
		if line, err := in.ReadString('\n'); line != want {
			t.Errorf("read %q, %v; want %q", line, err, want)
		}
	}
	say("hello\n", "echo hello\n")
	if resp.Request.Context().Err() != nil {
		t.Error("the context ended while the connection is in use")
	}
	say("bye", "rest bye\n")
}

func TestServerThatIsDownIsTriedAgainForUnsafeRequestsToo(t *testing.T) {
	s, client := serve(t, func(http.ResponseWriter, *http.Request) {}, atOnce(3))
	s.Close()
	err := fails(t, client.Transport, request(t, http.MethodPost, s.URL, strings.NewReader("x")))
	var exhausted *policy.RetriesExhaustedError
	var op *net.OpError
	if !errors.As(err, &exhausted) || exhausted.Attempts != 3 || !errors.As(err, &op) {
		t.Errorf("got %v", err)
	}
}

// A server that hung up in the middle may have done its work.
func TestLostAnswerToUnsafeRequestIsNotRepeated(t *testing.T) {
	var calls atomic.Int32
	s, client := serve(t, func(http.ResponseWriter, *http.Request) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	}, atOnce(3))
	for method, want := range map[string]int32{http.MethodPost: 1, http.MethodPut: 3} {
		calls.Store(0)
		err := fails(t, client.Transport, request(t, method, s.URL, strings.NewReader("x")))
		if err == nil || calls.Load() != want {
			t.Errorf("%s: sent %d times, want %d: %v", method, calls.Load(), want, err)
		}
	}
}

func TestHTTP2(t *testing.T) {
	var calls atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if calls.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(w, "%s %s", r.Proto, body)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	client := cladhttp.Client(s.Client(), runner(t, policy.Timeout(someTime), atOnce(2)))
	resp, err := client.Do(request(t, http.MethodPut, s.URL, strings.NewReader("state")))
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, resp); body != "HTTP/2.0 state" || calls.Load() != 2 {
		t.Errorf("read %q after %d attempts", body, calls.Load())
	}
}

func TestRedirectsAreGuardedOneByOne(t *testing.T) {
	var calls atomic.Int32
	s, client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/old":
			http.Redirect(w, r, "/new", http.StatusFound)
		case calls.Add(1) == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, "here")
		}
	}, policy.Timeout(someTime), atOnce(2))
	resp, err := client.Do(request(t, http.MethodGet, s.URL+"/old", nil))
	if err != nil {
		t.Fatal(err)
	}
	if body := read(t, resp); body != "here" || calls.Load() != 2 {
		t.Errorf("read %q after %d attempts", body, calls.Load())
	}
}
