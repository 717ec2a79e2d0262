package cladhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// worth is a server that notes what the requests that it serves are worth.
func worth(t *testing.T) (url string, noted func() policy.Criticality) {
	t.Helper()
	var mu sync.Mutex
	last := policy.Criticality(255)
	s := httptest.NewServer(cladhttp.FromCaller(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		last = policy.CriticalityOf(req.Context())
	})))
	t.Cleanup(s.Close)
	return s.URL, func() policy.Criticality {
		mu.Lock()
		defer mu.Unlock()
		return last
	}
}

// What may be shed may be shed along the whole chain, also where a service in the
// middle has no policy for its client.
func TestCriticalityTravelsAlongAChain(t *testing.T) {
	for name, layers := range map[string][]policy.Policy{
		"under a policy": {atOnce(2), policy.Timeout(someTime)}, "under none": nil,
	} {
		url, noted := worth(t)
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		for range 3 {
			url = service(t, url, cladhttp.Client(&http.Client{Transport: transport}, runner(t, layers...)), cladhttp.FromCaller)
		}
		for _, want := range []policy.Criticality{policy.Sheddable, policy.Essential} {
			client := cladhttp.Client(&http.Client{Transport: transport}, runner(t, layers...))
			req, err := http.NewRequestWithContext(policy.WithCriticality(t.Context(), want), http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if got := noted(); got != want {
				t.Errorf("%s: the last service sees %v, want %v", name, got, want)
			}
		}
	}
}

// The header is anybody's: it makes a request worth less, never more.
func TestACallerMakesItselfWorthNoMore(t *testing.T) {
	for _, tt := range []struct {
		said   []string
		within policy.Criticality
		want   policy.Criticality
	}{
		{nil, policy.Essential, policy.Essential},
		{[]string{"sheddable"}, policy.Essential, policy.Sheddable},
		{[]string{"essential"}, policy.Sheddable, policy.Sheddable},
		{[]string{"Sheddable"}, policy.Essential, policy.Essential},
		{[]string{"sheddable", "essential"}, policy.Essential, policy.Essential},
		{[]string{""}, policy.Sheddable, policy.Sheddable},
	} {
		got := policy.Criticality(255)
		h := cladhttp.FromCaller(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { got = policy.CriticalityOf(req.Context()) }))
		req := httptest.NewRequestWithContext(policy.WithCriticality(t.Context(), tt.within), http.MethodGet, "/", http.NoBody)
		req.Header["Clad-Criticality"] = tt.said
		h.ServeHTTP(httptest.NewRecorder(), req)
		if got != tt.want {
			t.Errorf("%q within %v: %v, want %v", tt.said, tt.within, got, tt.want)
		}
	}
}

// A silent client says nothing, and a request's own headers are not written to.
func TestCriticalityIsToldInACopy(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []cladhttp.Option
		want string
	}{"told": {nil, "sheddable"}, "silent": {[]cladhttp.Option{cladhttp.Silent()}, ""}} {
		for _, layers := range [][]policy.Policy{nil, {atOnce(2)}} {
			said := "nothing sent"
			rt := cladhttp.New(roundTripper(func(req *http.Request) (*http.Response, error) {
				said = req.Header.Get("Clad-Criticality")
				return answer(req, 200, ""), nil
			}), runner(t, layers...), tt.opts...)
			req := httptest.NewRequestWithContext(policy.WithCriticality(t.Context(), policy.Sheddable), http.MethodGet, "http://x/", http.NoBody)
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if said != tt.want || len(req.Header) > 0 {
				t.Errorf("%s: said %q, want %q; the request has %v", name, said, tt.want, req.Header)
			}
		}
	}
}

// A server under pressure: what may be shed is turned away, the rest is served.
func TestAServerKeepsItsReserveForCriticalRequests(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	limit := cladhttp.Limit(runner(t, policy.Bulkhead{MaxConcurrent: 2, Reserve: 0.5}))
	s := httptest.NewServer(cladhttp.FromCaller(limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-leave
	}))))
	t.Cleanup(s.Close)
	client := cladhttp.Client(&http.Client{Transport: s.Client().Transport}, runner(t))
	ask := func(c policy.Criticality) int {
		ctx, cancel := context.WithTimeout(policy.WithCriticality(t.Context(), c), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, http.NoBody)
		if err != nil {
			t.Error(err)
			return 0
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	var wg sync.WaitGroup
	served := func(c policy.Criticality) {
		wg.Go(func() {
			if status := ask(c); status != http.StatusOK {
				t.Errorf("%v: status %d", c, status)
			}
		})
		<-entered
	}
	served(policy.Sheddable)
	if status := ask(policy.Sheddable); status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503: the rest is reserved", status)
	}
	served(policy.Essential)
	if status := ask(policy.Essential); status != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503: it is full", status)
	}
	close(leave)
	wg.Wait()
}
