package cladhttp_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// The tests in this file are of requests that fail on this side: before the server
// is asked, or in what it is asked with.

// lengthy is a request body that says it has another length.
func lengthy(req *http.Request) {
	req.Body, req.GetBody, req.ContentLength = io.NopCloser(strings.NewReader("text")), nil, 10
}

// What no attempt can change was retried, and a few such requests opened the
// circuit for all others.
func TestRequestsThatCannotBeSentSayNothingOfTheServer(t *testing.T) {
	errOwn := errors.New("the producer gave up")
	wrong := map[string]func(*http.Request){
		"scheme":         func(r *http.Request) { r.URL.Scheme = "ftp" },
		"no URL":         func(r *http.Request) { r.URL = nil },
		"no headers":     func(r *http.Request) { r.Header = nil },
		"no host":        func(r *http.Request) { r.URL.Host = "" },
		"bad host":       func(r *http.Request) { r.Host = "a\x00b" },
		"method":         func(r *http.Request) { r.Method = "G E T" },
		"header's name":  func(r *http.Request) { r.Header["a b"] = []string{"x"} },
		"header's value": func(r *http.Request) { r.Header.Set("a", "x\ny") },
		"trailer":        func(r *http.Request) { r.Trailer = http.Header{"a b": nil} },
		"longer body": func(r *http.Request) {
			lengthy(r)
			r.ContentLength = 2
		},
		"shorter body": lengthy,
		"body that is too large": func(r *http.Request) {
			r.Body = http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(strings.Repeat("x", 100))), 10)
			r.ContentLength = -1
		},
		"pipe that is closed with an error": func(r *http.Request) {
			read, write := io.Pipe()
			go func() {
				_, _ = write.Write([]byte("some"))
				_ = write.CloseWithError(errOwn)
			}()
			r.Body, r.ContentLength = read, -1
		},
		"client of ours that hangs up": func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(io.ErrUnexpectedEOF))), -1
		},
		"file that cannot be read": func(r *http.Request) {
			f, err := os.Create(filepath.Join(t.TempDir(), "upload"))
			if err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			r.Body, r.ContentLength = f, 10
		},
	}
	take := func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	eachServer(t, take, func(t *testing.T, url string, next http.RoundTripper) {
		for name, spoil := range wrong {
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				send := func(rt http.RoundTripper) error {
					req := request(t, method, url, nil)
					spoil(req)
					resp, err := rt.RoundTrip(req)
					if err == nil {
						read(t, resp)
					}
					return err
				}
				want := send(next)
				if want == nil {
					continue // some are right over HTTP/2
				}
				rt, metrics := guarded(t, next, policy.Timeout(someTime), atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
				err := send(rt)
				if strings.HasSuffix(name, "er body") { // the transport says so in several ways, or not in time
					if want = err; err == nil {
						continue
					}
				}
				if fmt.Sprintf("%T", err) != fmt.Sprintf("%T", want) {
					t.Errorf("%s: got %T %v\nwant what the transport says: %T %v", name, err, err, want, want)
				}
				if m := metrics(); m.RetryAttempts != 0 || m.CircuitBreakerTrips != 0 || m.FailedOperations != 1 {
					t.Errorf("%s: metrics are %+v", name, m)
				}
			}
		}
	})
}

// The caller's own failing reader must not excuse the server: it hung up first.
func TestServerThatHangsUpDuringAnUploadHasFailed(t *testing.T) {
	eachServer(t, func(http.ResponseWriter, *http.Request) {
		panic(http.ErrAbortHandler)
	}, func(t *testing.T, url string, next http.RoundTripper) {
		rt, metrics := guarded(t, next, policy.CircuitBreaker{FailureThreshold: 1})
		body, write := io.Pipe()
		go func() {
			for {
				if _, err := write.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}()
		err := fails(t, rt, request(t, http.MethodPost, url, body))
		if m := metrics(); m.CircuitBreakerTrips != 1 {
			t.Errorf("got %v; metrics are %+v", err, m)
		}
	})
}

// What a transport says of an upload need not be why that failed.
func TestWhoseFailureAnUploadIs(t *testing.T) {
	for name, c := range map[string]struct {
		announced int64
		closes    bool // the transport, what it reads
		trips     uint64
	}{
		"the server fails":            {4, false, 1},
		"of unknown length":           {-1, false, 1},
		"less than was announced":     {9, false, 0},
		"more than was announced":     {2, false, 0},
		"the transport has closed it": {9, true, 1},
	} {
		rt, metrics := guarded(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			if c.closes {
				_ = req.Body.Close()
			}
			_, err := io.Copy(io.Discard, req.Body)
			return nil, cmp.Or(err, errBroken)
		}), policy.CircuitBreaker{FailureThreshold: 1})
		body, write := io.Pipe()
		go func() {
			_, _ = write.Write([]byte("text"))
			_ = write.Close()
		}()
		req := request(t, http.MethodPost, "http://example.com", body)
		req.ContentLength = c.announced
		err := fails(t, rt, req)
		if m := metrics(); m.CircuitBreakerTrips != c.trips {
			t.Errorf("%s: %v; metrics are %+v", name, err, m)
		}
	}
}

// A deadline that passed while the server waited for the client's upload counted
// against the server.
func TestSlowUploadIsNoFailureOfTheServer(t *testing.T) {
	eachServer(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil && r.Method == http.MethodPost {
			<-r.Context().Done()
		}
	}, func(t *testing.T, url string, next http.RoundTripper) {
		for _, c := range []struct {
			stalls bool
			trips  uint64
		}{{true, 0}, {false, 1}} {
			givingTime(t, func(after time.Duration) bool {
				rt, metrics := guarded(t, next, policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(after))
				body := &halfBody{stalls: c.stalls, closed: make(chan struct{})}
				start := time.Now()
				err := fails(t, rt, request(t, http.MethodPost, url, body))
				if read := body.read.Load(); read == nil || read.Sub(start) > after/2 {
					return false // the request had hardly begun
				}
				if !errors.Is(err, policy.ErrTimeout) {
					t.Errorf("got %v", err)
				}
				if m := metrics(); m.CircuitBreakerTrips != c.trips || m.TimeoutCount != 1 {
					t.Errorf("the client stalls: %v; metrics are %+v", c.stalls, m)
				}
				return true
			})
		}
	})
}

// halfBody has a first half, and then keeps its reader waiting or ends.
type halfBody struct {
	stalls bool
	half   bool
	read   atomic.Pointer[time.Time] // when more than the first half was asked for
	once   sync.Once
	closed chan struct{}
}

func (h *halfBody) Read(p []byte) (int, error) {
	if !h.half {
		h.half = true
		return copy(p, "h"), nil
	}
	now := time.Now()
	h.read.CompareAndSwap(nil, &now)
	if !h.stalls {
		return 0, io.EOF
	}
	<-h.closed
	return 0, io.ErrClosedPipe
}

func (h *halfBody) Close() error { h.once.Do(func() { close(h.closed) }); return nil }

// A certificate that cannot be verified will not be at the next attempt either; it
// is a failure all the same.
func TestServerThatIsNotWhoItShouldBeIsNotAskedAgain(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	other := secure.Client().Transport.(*http.Transport).Clone()
	other.TLSClientConfig.ServerName = "elsewhere.example"
	t.Cleanup(other.CloseIdleConnections)
	strangers := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: x509.NewCertPool()}}
	t.Cleanup(strangers.CloseIdleConnections)

	private := httptest.NewUnstartedServer(http.NotFoundHandler())
	private.Config.ErrorLog = quiet
	// With TLS 1.3 the client may be writing by the time it is told.
	private.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MaxVersion: tls.VersionTLS12}
	private.StartTLS()
	t.Cleanup(private.Close)
	nobody := private.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(nobody.CloseIdleConnections)

	for name, c := range map[string]struct {
		next http.RoundTripper
		url  string
	}{
		"no certificate":    {nobody, private.URL},
		"unknown authority": {strangers, secure.URL},
		"another name":      {other, secure.URL},
		"no TLS":            {strangers, strings.Replace(plain.URL, "http:", "https:", 1)},
	} {
		t.Run(name, func(t *testing.T) {
			rt, metrics := guarded(t, c.next, atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
			want := fails(t, c.next, request(t, http.MethodGet, c.url, nil))
			err := fails(t, rt, request(t, http.MethodGet, c.url, nil))
			if fmt.Sprintf("%T %v", err, err) != fmt.Sprintf("%T %v", want, want) {
				t.Errorf("got %T %v\nwant what the transport says: %T %v", err, err, want, want)
			}
			if m := metrics(); m.RetryAttempts != 0 || m.CircuitBreakerTrips != 1 {
				t.Errorf("metrics are %+v", m)
			}
		})
	}
	t.Run("under another's runner", func(t *testing.T) {
		attempts := 0
		var twice anyRunner = func(ctx context.Context, fn func(context.Context) error) error {
			err := fn(ctx)
			for attempts = 1; attempts < 2 && policy.IsRetryable(err); attempts++ {
				err = fn(ctx)
			}
			return err
		}
		_ = fails(t, cladhttp.New(strangers, twice), request(t, http.MethodGet, secure.URL, nil))
		if attempts != 1 {
			t.Errorf("%d attempts", attempts)
		}
	})
	t.Run("told by http.Client", func(t *testing.T) {
		client := &http.Client{Transport: cladhttp.New(strangers, runner(t, atOnce(3)))}
		_, err := client.Do(request(t, http.MethodGet, strings.Replace(plain.URL, "http:", "https:", 1), nil)) //nolint:bodyclose // there is none
		if !errors.Is(err, http.ErrSchemeMismatch) {
			t.Errorf("got %v: the client looks for the type of TLS's error", err)
		}
	})
}

// A RoundTripper that gives neither a response nor an error made the caller panic.
func TestRoundTripperThatGivesNothing(t *testing.T) {
	calls := 0
	rt, metrics := guarded(t, roundTripper(func(*http.Request) (*http.Response, error) {
		calls++
		return nil, nil
	}), atOnce(3), policy.CircuitBreaker{FailureThreshold: 1})
	err := fails(t, rt, request(t, http.MethodGet, "http://example.com", nil))
	if err == nil || !strings.Contains(err.Error(), "neither a response nor an error") {
		t.Errorf("got %v", err)
	}
	if m := metrics(); calls != 1 || m.CircuitBreakerTrips != 0 || m.FailedOperations != 1 {
		t.Errorf("%d attempts; metrics are %+v", calls, m)
	}
}

// A request that went out and came back is not to be sent again in part.
func TestGetBodyThatFailsKeepsTheErrorBefore(t *testing.T) {
	errGone := errors.New("file is gone")
	rt, metrics := guarded(t, roundTripper(func(*http.Request) (*http.Response, error) { return nil, errBroken }), atOnce(5), policy.CircuitBreaker{FailureThreshold: 2})
	req := request(t, http.MethodPut, "http://example.com", strings.NewReader("x"))
	req.GetBody = func() (io.ReadCloser, error) { return nil, errGone }
	err := fails(t, rt, req)
	if !errors.Is(err, errGone) || !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if m := metrics(); m.CircuitBreakerTrips != 0 {
		t.Errorf("metrics are %+v", m)
	}
}
