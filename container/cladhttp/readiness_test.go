package cladhttp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// Two tagged services of a server that is asked over the network.
func TestReadinessIsThatOfCriticalServices(t *testing.T) {
	c, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{}},
		Services: map[string]policy.Service{"http.Client": {Critical: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := c.Orchestrator()
	server := httptest.NewServer(cladhttp.Readiness(o))
	defer server.Close()
	get := func(method string) (status int, header http.Header, text string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header, string(body)
	}
	want := func(status int, body string) {
		t.Helper()
		code, header, got := get(http.MethodGet)
		if code != status || !strings.Contains(got, body) || !json.Valid([]byte(got)) ||
			header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %s\n%v; want %d and %s", code, got, header, status, body)
		}
		if code, _, empty := get(http.MethodHead); code != status || empty != "" {
			t.Errorf("HEAD: %d %q", code, empty)
		}
	}
	want(200, `{"status":"ready","services":[]}`)

	for _, ctor := range []any{
		func() *http.Client { return &http.Client{} },
		func() http.RoundTripper { return http.DefaultTransport },
	} {
		if err := c.Provide(container.Tag(ctor, "guarded")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Invoke(func(*http.Client, http.RoundTripper) {}); err != nil {
		t.Fatal(err)
	}
	want(200, `"name":"http.Client","critical":true,"state":"closed","circuit_breakers":[{"name":"http.Client","state":"closed","mode":"automatic","since":"`)
	open := func(name string) {
		t.Helper()
		b, ok := o.CircuitBreaker(name)
		if !ok {
			t.Fatal("no breaker " + name)
		}
		b.ForceOpen()
	}
	open("http.RoundTripper")
	want(200, `"name":"http.RoundTripper","critical":false,"state":"open"`)
	open("http.Client")
	want(503, `{"status":"not ready","services":[{"name":"http.Client","critical":true,"state":"open"`)

	if code, header, _ := get(http.MethodPost); code != http.StatusMethodNotAllowed || header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d %v", code, header)
	}
}
