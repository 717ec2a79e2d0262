package cladhttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// Each instance that a rolling restart closed, with the next one listening, ended all
// requests of a connection at once: each was a failure, and the breaker opened.
func TestARollingRestartOpensNoCircuit(t *testing.T) {
	for name, protocol := range map[string]func(*http.Protocols, bool){
		"HTTP/1.1":        (*http.Protocols).SetHTTP1,
		"HTTP/2 in clear": (*http.Protocols).SetUnencryptedHTTP2,
	} {
		t.Run(name, func(t *testing.T) {
			var protocols http.Protocols
			protocol(&protocols, true)
			addr, restart := restartable(t, &protocols)
			next := &http.Transport{Protocols: &protocols}
			defer next.CloseIdleConnections()
			o, err := container.NewOrchestrator(policy.Catalog{})
			if err != nil {
				t.Fatal(err)
			}
			r, err := o.For("shop", policy.Combine(policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(20 * time.Millisecond)}, policy.CircuitBreaker{}, policy.Timeout(5*time.Second)))
			if err != nil {
				t.Fatal(err)
			}
			transport := cladhttp.New(next, r)
			var failed, succeeded atomic.Int64
			ctx, stop := context.WithCancel(t.Context())
			var callers sync.WaitGroup
			for range 16 {
				callers.Go(func() {
					for ctx.Err() == nil {
						if err := fetch(t.Context(), transport, addr); err != nil {
							failed.Add(1)
						} else {
							succeeded.Add(1)
						}
					}
				})
			}
			for range 3 {
				// real time: a load on real connections
				time.Sleep(150 * time.Millisecond)
				restart()
			}
			// real time: the same
			time.Sleep(150 * time.Millisecond)
			stop()
			callers.Wait()
			m := o.Metrics()
			t.Logf("%d calls failed, %d did not: %+v", failed.Load(), succeeded.Load(), m.Totals)
			if m.CircuitBreakerTrips != 0 || m.CircuitBreakerRejections != 0 {
				t.Errorf("counted %+v", m.Totals)
			}
		})
	}
}

func fetch(ctx context.Context, transport http.RoundTripper, addr string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return err
}

// restartable starts a server that takes ten milliseconds for a request. A restart
// closes it, with what is under way, and has the next one listen already.
func restartable(t *testing.T, protocols *http.Protocols) (addr string, restart func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var server *http.Server
	var serving sync.WaitGroup
	start := func() {
		server = &http.Server{Protocols: protocols, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			// real time: requests that are under way
			time.Sleep(10 * time.Millisecond)
		})}
		s, l := server, l
		serving.Go(func() { _ = s.Serve(l) })
	}
	start()
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	return l.Addr().String(), func() {
		old := server
		file, err := l.(*net.TCPListener).File() // the socket itself goes on listening
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = file.Close() }()
		if l, err = net.FileListener(file); err != nil {
			t.Error(err)
			return
		}
		start()
		_ = old.Close()
	}
}
