package cladhttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/internal/failover"
	"github.com/cladgo/clad/policy"
)

var protocols = map[string]func(*http.Protocols, bool){
	"HTTP/1.1":        (*http.Protocols).SetHTTP1,
	"HTTP/2 in clear": (*http.Protocols).SetUnencryptedHTTP2,
}

// slowly takes ten milliseconds, so that requests are under way.
func slowly(http.ResponseWriter, *http.Request) {
	// real time: as above
	time.Sleep(10 * time.Millisecond)
}

// Each instance that a rolling restart closed, with the next one listening, ended all
// requests of a connection at once: each was a failure, and the breaker opened.
func TestARollingRestartOpensNoCircuit(t *testing.T) {
	for name, protocol := range protocols {
		t.Run(name, func(t *testing.T) {
			var protocols http.Protocols
			protocol(&protocols, true)
			addr, restart := restartable(t, &protocols, slowly)
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
						if err := exchange(t.Context(), transport, http.MethodGet, addr, ""); err != nil {
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

// Of several restarts, callers see no more with clad than without; what was under way
// is not repeated where it may have happened.
func TestRollingRestartsAreSurvived(t *testing.T) {
	var orchestrators []*container.Orchestrator
	failover.Survive(t, func() failover.Run {
		var restarts []func()
		run := failover.Run{Failover: "HTTP: servers are closed, one after the other, each with the next one listening", Server: "net/http"}
		for way, protocol := range protocols {
			var protocols http.Protocols
			protocol(&protocols, true)
			var mu sync.Mutex
			var effects []string
			addr, restart := restartable(t, &protocols, func(w http.ResponseWriter, r *http.Request) {
				if id := r.URL.Query().Get("id"); id != "" {
					mu.Lock()
					effects = append(effects, id)
					mu.Unlock()
				}
				slowly(w, r)
			})
			restarts = append(restarts, restart)
			calls := func(wrap func(http.RoundTripper) http.RoundTripper) failover.Calls {
				next := &http.Transport{Protocols: &protocols}
				t.Cleanup(next.CloseIdleConnections)
				transport := wrap(next)
				return failover.Calls{
					Read:  func(ctx context.Context) error { return exchange(ctx, transport, http.MethodGet, addr, "") },
					Write: func(ctx context.Context, id string) error { return exchange(ctx, transport, http.MethodPost, addr, id) },
				}
			}
			o := newOrchestrator(t)
			orchestrators = append(orchestrators, o)
			r, err := o.For("shop", failover.Policy)
			if err != nil {
				t.Fatal(err)
			}
			run.Clients = append(run.Clients, failover.Client{
				Module: "net/http", Way: way,
				Bare:    calls(func(next http.RoundTripper) http.RoundTripper { return next }),
				Guarded: calls(func(next http.RoundTripper) http.RoundTripper { return cladhttp.New(next, r) }),
				Effects: func(context.Context) ([]string, error) {
					mu.Lock()
					defer mu.Unlock()
					return slices.Clone(effects), nil
				},
			})
		}
		run.Happen = func() {
			for range 5 {
				for _, restart := range restarts {
					restart()
				}
				// real time: a load on real connections
				time.Sleep(100 * time.Millisecond)
			}
		}
		return run
	})
	for _, o := range orchestrators {
		if m := o.Metrics(); m.CircuitBreakerTrips != 0 || m.CircuitBreakerRejections != 0 {
			t.Errorf("counted %+v", m.Totals)
		}
	}
}

func exchange(ctx context.Context, transport http.RoundTripper, method, addr, id string) error {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+"?id="+id, http.NoBody)
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

// restartable starts a server. A restart closes it, with what is under way, and has
// the next one listen already.
func restartable(t *testing.T, protocols *http.Protocols, handler http.HandlerFunc) (addr string, restart func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var server *http.Server
	var serving sync.WaitGroup
	start := func() {
		server = &http.Server{Protocols: protocols, ReadHeaderTimeout: time.Minute, Handler: handler}
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
