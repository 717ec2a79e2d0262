package cladhttp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// down is a server that counts requests and fails them.
func down(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// service is a server that asks the next one, as its client is guarded.
func service(t *testing.T, next string, client *http.Client, middleware func(http.Handler) http.Handler) (url string) {
	t.Helper()
	s := httptest.NewServer(middleware(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ask, err := http.NewRequestWithContext(req.Context(), http.MethodGet, next, http.NoBody)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := client.Do(ask)
		if err != nil {
			cladhttp.WriteError(w, err)
			return
		}
		_ = resp.Body.Close()
		w.WriteHeader(resp.StatusCode)
	})))
	t.Cleanup(s.Close)
	return s.URL
}

// Where five services each make three attempts, the last dependency of a chain was
// asked 243 times for one request.
func TestOneServiceOfAChainRetries(t *testing.T) {
	heedless := func(h http.Handler) http.Handler { return h }
	for name, c := range map[string]struct {
		middleware func(http.Handler) http.Handler
		third      policy.Policy // of the third service
		want       int64
	}{
		"each for itself":              {heedless, atOnce(3), 243},
		"the outermost":                {cladhttp.FromCaller, atOnce(3), 3},
		"one of them has no policy":    {cladhttp.FromCaller, policy.None{}, 3},
		"one of them does not retry":   {cladhttp.FromCaller, policy.CircuitBreaker{FailureThreshold: 1000}, 3},
		"one of them makes 2 attempts": {cladhttp.FromCaller, atOnce(2), 3},
	} {
		t.Run(name, func(t *testing.T) {
			url, asked := down(t)
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			for n := range 5 {
				p := policy.Policy(atOnce(3))
				if n == 2 {
					p = c.third
				}
				client := cladhttp.Client(&http.Client{Transport: transport}, runner(t, p, policy.Timeout(someTime)))
				if c.third == (policy.None{}) && n == 2 {
					client = cladhttp.Client(&http.Client{Transport: transport}, runner(t))
				}
				url = service(t, url, client, c.middleware)
			}
			resp, err := http.Get(url) // the first caller knows nothing of this
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if resp.StatusCode != http.StatusServiceUnavailable || asked.Load() != c.want {
				t.Errorf("status %d, asked %d times; want %d", resp.StatusCode, asked.Load(), c.want)
			}
		})
	}
}

// sent are the headers of the attempts of a request under the layers.
func sent(t *testing.T, req *http.Request, r policy.Runner, opts ...cladhttp.Option) (all []string, err error) {
	t.Helper()
	rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
		all = append(all, strings.Join(req.Header["Clad-Retries-Left"], ",")+"|"+strings.Join(req.Header["Clad-Timeout-Ms"], ","))
		return answer(req, 503, ""), nil
	}), r, opts...)
	resp, err := rt.RoundTrip(req)
	if err == nil {
		read(t, resp)
	}
	return all, err
}

func TestWhatAServerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)}
		for name, c := range map[string]struct {
			method string
			layers []policy.Policy
			ctx    func(context.Context) context.Context
			opts   []cladhttp.Option
			want   string
		}{
			"retries":                         {"GET", []policy.Policy{second}, nil, nil, "2| 1| 0|"},
			"retries of retries":              {"GET", []policy.Policy{atOnce(2), atOnce(2)}, nil, nil, "3| 2|"},
			"one attempt":                     {"GET", []policy.Policy{atOnce(1)}, nil, nil, "|"},
			"a deadline":                      {"GET", []policy.Policy{policy.Timeout(2 * time.Second)}, nil, nil, "|2000"},
			"both":                            {"GET", []policy.Policy{policy.Timeout(10 * time.Second), second}, nil, nil, "2|10000 1|9000 0|8000"},
			"what is not repeated":            {"POST", []policy.Policy{second}, nil, nil, "|"},
			"silent":                          {"GET", []policy.Policy{policy.Timeout(time.Hour), second}, nil, []cladhttp.Option{cladhttp.Silent()}, "| | |"},
			"a caller that retries":           {"POST", []policy.Policy{second}, retriedBy(7), nil, "7|"},
			"one that retries, none of ours":  {"GET", nil, retriedBy(0), nil, "0|"},
			"one that does not matter":        {"GET", []policy.Policy{second}, retriedBy(-1), nil, "2| 1| 0|"},
			"the caller's deadline is nearer": {"GET", []policy.Policy{policy.Timeout(time.Hour)}, within(1500 * time.Millisecond), nil, "|1500"},
			"a budget":                        {"GET", []policy.Policy{policy.Retry{MaxAttempts: 9, Backoff: policy.Fixed(0), Budget: 0.1}}, nil, nil, "1| 0|"},
		} {
			req := request(t, c.method, "http://example.com", nil)
			if c.ctx != nil {
				req = req.WithContext(c.ctx(t.Context()))
			}
			got, err := sent(t, req, runner(t, c.layers...), c.opts...)
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%s: told %q, want %q (%v)", name, got, c.want, err)
			}
			if len(req.Header) != 0 {
				t.Errorf("%s: the caller's request was changed", name)
			}
		}
	})
}

func retriedBy(left int) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context { return policy.WithCallerRetries(ctx, left) }
}

func within(d time.Duration) func(context.Context) context.Context {
	return func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, d)
		context.AfterFunc(ctx, cancel)
		return ctx
	}
}

// A request that nobody will wait for the answer of was sent nevertheless.
func TestARequestThatCannotBeInTimeIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Microsecond)
		defer cancel()
		o := newOrchestrator(t)
		r, err := o.For("test", policy.Combine(atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}))
		if err != nil {
			t.Fatal(err)
		}
		got, err := sent(t, request(t, http.MethodGet, "http://example.com", nil).WithContext(ctx), r)
		if !errors.Is(err, policy.ErrCancelled) || !errors.Is(err, context.DeadlineExceeded) || len(got) != 0 {
			t.Errorf("sent %q: %v", got, err)
		}
		if m := o.Metrics(); m.Cancelled != 1 || m.CircuitBreakerTrips != 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// heed has a handler work under FromCaller, for a request with these headers.
func heed(t *testing.T, handle func(context.Context), headers ...string) int {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	cladhttp.FromCaller(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		handle(req.Context())
		w.WriteHeader(http.StatusNoContent)
	})).ServeHTTP(w, req)
	return w.Code
}

// The headers are anybody's: they take away at most what hanging up takes.
func TestCallersSayNothingHarmful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := func(ctx context.Context) (n int) {
			_ = runner(t, atOnce(3)).Run(ctx, func(context.Context) error { n++; return errBroken })
			return n
		}
		for value, want := range map[string]int{
			"2": 1, "0": 1, "007": 1, "999999999": 1,
			"": 3, "-1": 3, "+1": 3, "1.5": 3, " 1": 3, "1 ": 3, "x": 3, "9999999999": 3, strings.Repeat("9", 1<<16): 3, "٣": 3,
		} {
			heed(t, func(ctx context.Context) {
				if got := attempts(ctx); got != want {
					t.Errorf("Clad-Retries-Left: %.20q: %d attempts, want %d", value, got, want)
				}
			}, "Clad-Retries-Left", value)
		}
		heed(t, func(ctx context.Context) {
			if got := attempts(ctx); got != 3 {
				t.Errorf("said twice: %d attempts", got)
			}
		}, "Clad-Retries-Left", "1", "Clad-Retries-Left", "1")
		heed(t, func(ctx context.Context) {
			if got := attempts(policy.WithCallerRetries(ctx, -1)); got != 3 {
				t.Errorf("a step that is to be repeated here: %d attempts", got)
			}
		}, "Clad-Retries-Left", "1")
		for value, want := range map[string]time.Duration{
			"1500": 1500 * time.Millisecond, "999999999": 999999999 * time.Millisecond,
			"": 0, "-1": 0, "9999999999": 0, "1e3": 0, "1s": 0,
		} {
			heed(t, func(ctx context.Context) {
				var left time.Duration
				if deadline, ok := ctx.Deadline(); ok {
					left = time.Until(deadline)
				}
				if left != want {
					t.Errorf("Clad-Timeout-Ms: %q: %v left, want %v", value, left, want)
				}
			}, "Clad-Timeout-Ms", value)
		}
		if code := heed(t, func(context.Context) { t.Error("too late, and served") }, "Clad-Timeout-Ms", "0"); code != http.StatusGatewayTimeout {
			t.Errorf("too late: %d", code)
		}
	})
}

func TestADeadlineNeverMovesANearerOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", http.NoBody)
		req.Header.Set("Clad-Timeout-Ms", "5000")
		cladhttp.FromCaller(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
			if deadline, _ := req.Context().Deadline(); time.Until(deadline) != time.Second {
				t.Errorf("%v left", time.Until(deadline))
			}
			<-req.Context().Done()
			if err := req.Context().Err(); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})).ServeHTTP(httptest.NewRecorder(), req)
	})
}

// Anybody could open a circuit breaker for all others by deadlines that no call can
// meet.
func TestACallersDeadlineSaysNothingToBreakers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrchestrator(t)
		r, err := o.For("test", policy.Combine(atOnce(3), policy.CircuitBreaker{FailureThreshold: 1}, policy.Timeout(someTime)))
		if err != nil {
			t.Fatal(err)
		}
		for name, call := range map[string]func(context.Context) error{
			"waits for the context": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"hears of the deadline itself": func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				time.Sleep(time.Until(deadline))
				return context.DeadlineExceeded
			},
			"makes a context of its own": func(ctx context.Context) error {
				ctx, cancel := context.WithTimeout(ctx, someTime)
				defer cancel()
				<-ctx.Done()
				return ctx.Err()
			},
		} {
			start := time.Now()
			heed(t, func(ctx context.Context) {
				err := r.Run(ctx, call)
				if !errors.Is(err, policy.ErrCancelled) || !strings.Contains(err.Error(), "the time that the caller waits for an answer has passed") {
					t.Errorf("%s: %v", name, err)
				}
			}, "Clad-Timeout-Ms", "2000")
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
		}
		if m := o.Metrics(); m.CircuitBreakerTrips != 0 || m.Cancelled != 3 || m.RetryAttempts != 0 {
			t.Errorf("metrics are %+v", m.Totals)
		}
	})
}

// The deadline of a caller was not known to those that its call led to.
func TestDeadlinesTravel(t *testing.T) {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	left := make(chan time.Duration, 1)
	last := httptest.NewServer(cladhttp.FromCaller(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		deadline, _ := req.Context().Deadline()
		left <- time.Until(deadline)
	})))
	t.Cleanup(last.Close)
	url := last.URL
	for range 3 {
		url = service(t, url, cladhttp.Client(&http.Client{Transport: transport}, runner(t, policy.Timeout(time.Hour))), cladhttp.FromCaller)
	}
	resp, err := cladhttp.Client(&http.Client{Transport: transport}, runner(t, policy.Timeout(someTime))).Do(request(t, http.MethodGet, url, nil))
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	if got := <-left; got <= 0 || got > someTime {
		t.Errorf("the last has %v left, want no more than the first gave it", got)
	}
}
