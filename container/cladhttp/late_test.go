package cladhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// The tests in this file are of responses whose headers come well and whose bodies
// do not.

// eachServer runs a test with each kind of server that a client may meet.
func eachServer(t *testing.T, h http.HandlerFunc, test func(t *testing.T, url string, next http.RoundTripper)) {
	t.Helper()
	h2c := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	for name, start := range map[string]func(*httptest.Server) http.RoundTripper{
		"HTTP/1.1": func(s *httptest.Server) http.RoundTripper {
			s.Start()
			return s.Client().Transport
		},
		"HTTP/2 over TLS": func(s *httptest.Server) http.RoundTripper {
			s.EnableHTTP2 = true
			s.StartTLS()
			return s.Client().Transport
		},
		"HTTP/2 in the clear": func(s *httptest.Server) http.RoundTripper {
			s.Config.Protocols = &http.Protocols{}
			h2c(s.Config.Protocols)
			s.Start()
			next := &http.Transport{Protocols: &http.Protocols{}}
			h2c(next.Protocols)
			t.Cleanup(next.CloseIdleConnections)
			return next
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewUnstartedServer(h)
			s.Config.ErrorLog = quiet
			next := start(s)
			t.Cleanup(s.Close)
			test(t, s.URL, next)
		})
	}
}

// givingTime runs what wants real connections to be quick with more and more time,
// until it was not too short.
func givingTime(t *testing.T, try func(timeout time.Duration) (enough bool)) {
	t.Helper()
	for timeout := 50 * time.Millisecond; !try(timeout); timeout *= 3 {
		if timeout > someTime {
			t.Fatal("this machine is too slow")
		}
	}
}

// guarded returns a RoundTripper under the layers, and the metrics.
func guarded(t *testing.T, next http.RoundTripper, layers ...policy.Policy) (http.RoundTripper, func() policy.Totals) {
	t.Helper()
	o := newOrchestrator(t)
	r, err := o.For("test", policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	return cladhttp.New(next, r), func() policy.Totals { return o.Metrics().Totals }
}

// get sends a request and reads the body, and returns how that ended.
func get(t *testing.T, rt http.RoundTripper, url string) (string, error) {
	t.Helper()
	resp, err := rt.RoundTrip(request(t, http.MethodGet, url, nil))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}

// A body that broke off was a success: a server that always failed so never opened
// a breaker, and each of its headers ended the row of failures.
func TestBodyThatBreaksOffIsAFailure(t *testing.T) {
	breakOff := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	eachServer(t, breakOff, func(t *testing.T, url string, next http.RoundTripper) {
		_, want := get(t, next, url)
		rt, metrics := guarded(t, next, atOnce(3), policy.CircuitBreaker{FailureThreshold: 3}, policy.Timeout(someTime))
		for range 3 {
			text, err := get(t, rt, url)
			if text != "half" || fmt.Sprintf("%T", err) != fmt.Sprintf("%T", want) {
				t.Errorf("read %q, %T %v; want the transport's %T %v", text, err, err, want, want)
			}
		}
		if _, err := get(t, rt, url); !errors.Is(err, policy.ErrCircuitOpen) {
			t.Errorf("got %v, want an open circuit", err)
		}
		if m := metrics(); m.FailedOperations != 4 || m.SuccessfulOperations != 0 || m.CircuitBreakerTrips != 1 || m.RetryAttempts != 0 {
			t.Errorf("metrics are %+v", m)
		}
	})
}

// A body that stalled until the deadline of the policy was a success, and what the
// reader got was no timeout of clad's.
func TestBodyThatStallsIsATimeout(t *testing.T) {
	stall := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	eachServer(t, stall, func(t *testing.T, url string, next http.RoundTripper) {
		givingTime(t, func(after time.Duration) bool {
			rt, metrics := guarded(t, next, policy.CircuitBreaker{FailureThreshold: 2}, policy.Timeout(after))
			for range 2 {
				resp, err := rt.RoundTrip(request(t, http.MethodGet, url, nil))
				if errors.Is(err, policy.ErrTimeout) {
					return false
				} else if err != nil {
					t.Fatal(err)
				}
				for range 2 { // and is told so again
					_, err = io.ReadAll(resp.Body)
					var timeout *policy.TimeoutError
					if !errors.As(err, &timeout) || timeout.After != after || !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
				}
				_ = resp.Body.Close()
			}
			if _, err := get(t, rt, url); !errors.Is(err, policy.ErrCircuitOpen) {
				t.Errorf("got %v, want an open circuit", err)
			}
			if m := metrics(); m.TimeoutCount != 2 || m.FailedOperations != 3 || m.CircuitBreakerTrips != 1 {
				t.Errorf("metrics are %+v", m)
			}
			return true
		})
	})
}

func TestBodyThatIsReadIsASuccess(t *testing.T) {
	for name, use := range map[string]func(io.ReadCloser) error{
		"read to its end": func(b io.ReadCloser) error { _, err := io.Copy(io.Discard, b); return err },
		"closed unread":   func(b io.ReadCloser) error { return b.Close() },
		"closed after the first bytes": func(b io.ReadCloser) error {
			_, err := b.Read(make([]byte, 10))
			return errors.Join(err, b.Close())
		},
		"read to its end, and closed twice": func(b io.ReadCloser) error {
			_, err := io.Copy(io.Discard, b)
			return errors.Join(err, b.Close(), b.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachServer(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, strings.Repeat("x", 1<<20))
			}, func(t *testing.T, url string, next http.RoundTripper) {
				rt, metrics := guarded(t, next, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
				resp, err := rt.RoundTrip(request(t, http.MethodGet, url, nil))
				if err != nil {
					t.Fatal(err)
				}
				if m := metrics(); m.TotalOperations != 0 {
					t.Errorf("judged before its end: %+v", m)
				}
				if err := use(resp.Body); err != nil {
					t.Error(err)
				}
				if m := metrics(); m.SuccessfulOperations != 1 || m.TotalOperations != 1 {
					t.Errorf("metrics are %+v", m)
				}
				_ = resp.Body.Close()
			})
		})
	}
}

// Whoever closes a body while it stalls says nothing of the server: neither a
// success, which would end the row of failures, nor a failure.
func TestBodyThatIsClosedWhileItStalls(t *testing.T) {
	stall := func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		if r.URL.Path == "/breaks" {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	}
	eachServer(t, stall, func(t *testing.T, url string, next http.RoundTripper) {
		reading := make(chan struct{}, 1)
		rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && req.URL.Path != "/breaks" {
				resp.Body = &readsTold{resp.Body, reading}
			}
			return resp, err
		}), policy.CircuitBreaker{FailureThreshold: 2})
		_, _ = get(t, rt, url+"/breaks")
		for range 3 {
			resp, err := rt.RoundTrip(request(t, http.MethodGet, url, nil)) //nolint:bodyclose // it is, below
			if err != nil {
				t.Fatal(err)
			}
			read := make(chan error)
			go func() {
				_, err := resp.Body.Read(make([]byte, 10))
				read <- err
			}()
			<-reading
			_ = resp.Body.Close()
			if err := <-read; err == nil {
				t.Error("the read went on")
			}
		}
		_, _ = get(t, rt, url+"/breaks")
		if m := metrics(); m.CircuitBreakerTrips != 1 || m.FailedOperations != 2 {
			t.Errorf("metrics are %+v", m)
		}
	})
}

// readsTold is a body that tells when it is read.
type readsTold struct {
	io.ReadCloser
	reading chan<- struct{}
}

func (r *readsTold) Read(p []byte) (int, error) {
	r.reading <- struct{}{}
	return r.ReadCloser.Read(p)
}

// pieces is a body whose parts take their time. It is one that heeds its context.
type pieces struct {
	ctx   context.Context
	left  int
	takes time.Duration
	end   error
}

func (p *pieces) Read(b []byte) (int, error) {
	timer := time.NewTimer(p.takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		return 0, p.ctx.Err()
	}
	if p.left--; p.left < 0 {
		return 0, p.end
	}
	return copy(b, "x"), nil
}

func (*pieces) Close() error { return nil }

// A client of a proxy that read slowly made the deadline pass: a few such opened
// the circuit of a healthy server for everybody.
func TestSlowReaderIsNoFailureOfTheServer(t *testing.T) {
	for _, c := range []struct {
		name           string
		server, reader time.Duration // for each piece
		timeout        bool          // the end: of a deadline, else the server breaks off
		trips          bool
	}{
		{"the reader is slow", time.Millisecond, time.Second, true, false},
		{"the reader is slow, and the server hangs up", time.Millisecond, time.Second, false, false},
		{"the server is slow", time.Second, time.Millisecond, true, true},
		{"the server is slow, and hangs up", time.Second, time.Millisecond, false, true},
		{"the server hangs up at once", 0, time.Millisecond, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
					resp := answer(req, 200, "")
					resp.Body = &pieces{req.Context(), 5, c.server, errBroken}
					if c.timeout {
						resp.Body.(*pieces).left = 1000
					}
					return resp, nil
				}), policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(10*time.Second))
				resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				for err == nil {
					_, err = resp.Body.Read(make([]byte, 1))
					time.Sleep(c.reader)
				}
				if errors.Is(err, policy.ErrTimeout) != c.timeout || errors.Is(err, errBroken) == c.timeout {
					t.Errorf("got %v", err)
				}
				if m := metrics(); m.FailedOperations != 1 || (m.TimeoutCount == 1) != c.timeout || (m.CircuitBreakerTrips == 1) != c.trips {
					t.Errorf("metrics are %+v", m)
				}
			})
		})
	}
}

// A probe that had its headers closed the breaker, and all calls went to a server
// whose bodies broke off.
func TestProbeLastsAsLongAsItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t)
		if err := o.RegisterCircuitBreaker("b", policy.CircuitBreaker{FailureThreshold: 1, SuccessThreshold: 1, RecoveryTimeout: time.Second, ProbeTimeout: someTime}); err != nil {
			t.Fatal(err)
		}
		b, _ := o.CircuitBreaker("b")
		r, err := o.For("test", policy.CircuitBreaker{Name: "b"})
		if err != nil {
			t.Fatal(err)
		}
		end := errBroken
		rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
			resp := answer(req, 200, "")
			resp.Body = &pieces{req.Context(), 1, time.Millisecond, end}
			return resp, nil
		}), r)
		_, _ = get(t, rt, "http://example.com")
		for _, end = range []error{errBroken, io.EOF} {
			time.Sleep(time.Second)
			resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
			if err != nil {
				t.Fatal(err)
			}
			if b.State() != policy.StateHalfOpen {
				t.Errorf("with its headers: %v", b.State())
			}
			_, _ = io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			want := policy.StateOpen
			if end == io.EOF { //nolint:errorlint // it is set here
				want = policy.StateClosed
			}
			if b.State() != want {
				t.Errorf("after %v: %v, want %v", end, b.State(), want)
			}
		}
	})
}

// A 404 is an answer, and one that breaks off is none.
func TestAnswersAreCountedAsSuch(t *testing.T) {
	statuses := func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
		if r.URL.Query().Has("body") {
			fmt.Fprint(w, "no such thing")
			w.(http.Flusher).Flush()
		}
		if r.URL.Query().Has("break") {
			panic(http.ErrAbortHandler)
		}
	}
	eachServer(t, statuses, func(t *testing.T, url string, next http.RoundTripper) {
		for _, c := range []struct {
			path                        string
			answered, successful, trips uint64
		}{
			{"/200?body", 0, 1, 0},
			{"/204", 0, 1, 0},
			{"/304", 0, 1, 0},
			{"/400", 1, 1, 0},
			{"/404?body", 1, 1, 0},
			{"/404", 1, 1, 0},
			{"/409?body", 1, 1, 0},
			{"/404?body&break", 0, 0, 1},
			{"/501?body", 0, 0, 0}, // nobody's failure
			{"/505", 0, 0, 0},
			{"/408?body", 0, 0, 1},
			{"/425", 0, 0, 1},
			{"/429?body", 0, 0, 1},
			{"/503?body", 0, 0, 1},
		} {
			rt, metrics := guarded(t, next, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime))
			text, err := get(t, rt, url+c.path)
			if strings.Contains(c.path, "body") != (text != "") || (err != nil) != strings.Contains(c.path, "break") {
				t.Errorf("%s: read %q, %v", c.path, text, err)
			}
			m := metrics()
			if m.TotalOperations != 1 || m.Answered != c.answered || m.SuccessfulOperations != c.successful || m.CircuitBreakerTrips != c.trips {
				t.Errorf("%s: metrics are %+v", c.path, m)
			}
		}
	})
}

// The last answer to a request that is not attempted again came only once its body
// had been read, be that never.
func TestStatusOfAFailureComesAtOnce(t *testing.T) {
	stall := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "why")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	eachServer(t, stall, func(t *testing.T, url string, next http.RoundTripper) {
		for _, c := range []struct {
			method string
			layers []policy.Policy
		}{
			{http.MethodGet, []policy.Policy{policy.CircuitBreaker{}}},
			{http.MethodPost, []policy.Policy{atOnce(3), policy.Timeout(someTime)}},
			{http.MethodGet, []policy.Policy{atOnce(3), policy.Timeout(someTime)}}, // drained twice, for a while
		} {
			ctx, cancel := context.WithTimeout(t.Context(), someTime/2)
			rt, metrics := guarded(t, next, c.layers...)
			resp, err := rt.RoundTrip(request(t, c.method, url, nil).WithContext(ctx))
			if err != nil {
				t.Fatalf("%s under %v: %v", c.method, policy.Combine(c.layers...), err)
			}
			if resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%s: got %d", c.method, resp.StatusCode)
			}
			if m := metrics(); m.FailedOperations != 1 {
				t.Errorf("metrics are %+v", m)
			}
			if _, err := io.ReadFull(resp.Body, make([]byte, 3)); err != nil {
				t.Errorf("the body: %v", err)
			}
			cancel()
			_ = resp.Body.Close()
		}
	})
}

// The body of an answer that has failed is read under the same timeouts.
func TestBodyOfAFailureThatStallsIsATimeout(t *testing.T) {
	stall := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, "why")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	eachServer(t, stall, func(t *testing.T, url string, next http.RoundTripper) {
		givingTime(t, func(after time.Duration) bool {
			client, attempt := watched(t, &http.Client{Transport: next}, policy.Timeout(someTime), atOnce(2), policy.CircuitBreaker{}, policy.Timeout(after))
			resp, err := client.Do(request(t, http.MethodGet, url, nil))
			if errors.Is(err, policy.ErrTimeout) {
				return false
			} else if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			var timeout *policy.TimeoutError
			if string(text) != "why" || !errors.As(err, &timeout) || timeout.After != after {
				t.Errorf("read %q, %v", text, err)
			}
			if (*attempt).Err() == nil {
				t.Error("the context goes on")
			}
			return true
		})
	})
}

// readsNoted is a body that notes when it was read first.
type readsNoted struct {
	io.Reader
	at time.Time
}

func (r *readsNoted) Read(p []byte) (int, error) {
	if r.at.IsZero() {
		r.at = time.Now()
	}
	return r.Reader.Read(p)
}

func (*readsNoted) Close() error { return nil }

// A failed answer is drained for the sake of its connection, which is of use only
// where another attempt follows, and is not to be held for the back-off.
func TestOnlyWhatAnotherAttemptFollowsIsDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bodies []*readsNoted
		var came []time.Time
		rt, _ := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			came = append(came, time.Now())
			bodies = append(bodies, &readsNoted{Reader: strings.NewReader("why")})
			resp := answer(req, 503, "")
			resp.Body, resp.ContentLength = bodies[len(bodies)-1], 3
			return resp, nil
		}), policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)})
		resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
		if err != nil || len(bodies) != 3 {
			t.Fatalf("%d attempts, %v", len(bodies), err)
		}
		for i, body := range bodies[:2] {
			if !body.at.Equal(came[i]) {
				t.Errorf("body %d came at %v and was read at %v", i+1, came[i], body.at)
			}
		}
		if !bodies[2].at.IsZero() {
			t.Error("the last body was read")
		}
		if read(t, resp) != "why" {
			t.Error("the last body is the caller's")
		}
	})
}

// What is left of a body bounds how long it holds up the next attempt.
func TestDrainingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, body := range map[string]func() io.ReadCloser{
			"endless": func() io.ReadCloser { return io.NopCloser(endless{}) },
			"stalled": func() io.ReadCloser { r, _ := io.Pipe(); return r },
		} {
			rt, _ := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				resp := answer(req, 503, "")
				resp.Body, resp.ContentLength = body(), -1
				return resp, nil
			}), atOnce(3))
			start := time.Now()
			resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > 200*time.Millisecond {
				t.Errorf("%s: took %v", name, took)
			}
			_ = resp.Body.Close()
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// A context that is handed to a response's body is not to be left behind by
// attempts before it, and not to be ended by them either.
func TestContextsOfRetriedAnswers(t *testing.T) {
	var contexts []context.Context
	rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
		contexts = append(contexts, req.Context())
		status := 503
		if len(contexts) == 3 {
			status = 200
		}
		return answer(req, status, "text"), nil
	}), policy.Timeout(someTime), atOnce(3), policy.Timeout(someTime/2))
	resp, err := rt.RoundTrip(request(t, http.MethodGet, "http://example.com", nil))
	if err != nil {
		t.Fatal(err)
	}
	if contexts[0].Err() == nil || contexts[1].Err() == nil || contexts[2].Err() != nil {
		t.Errorf("contexts are %v, %v, %v", contexts[0].Err(), contexts[1].Err(), contexts[2].Err())
	}
	read(t, resp)
	if contexts[2].Err() == nil {
		t.Error("the last goes on after its body")
	}
	if m := metrics(); m.SuccessfulOperations != 1 || m.TotalOperations != 1 || m.RetryAttempts != 2 {
		t.Errorf("metrics are %+v", m)
	}
}
