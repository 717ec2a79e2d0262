package cladhttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// A policy could be chosen for a method of HTTP alone, not for what is asked for.
func TestPoliciesAreChosenByRoute(t *testing.T) {
	services := map[string]policy.Service{"http.Client": {Methods: map[string]string{
		"GET /users/{id}": "two",
		"/reports":        "two",
		"/health":         "none",
	}}}
	box, err := container.New(catalog(services))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	next := roundTripper(func(req *http.Request) (*http.Response, error) {
		calls++
		return answer(req, 500, ""), nil
	})
	if err := box.Provide(container.Tag(func() *http.Client { return &http.Client{Transport: next} }, "three", container.Method("POST /pay", "two"))); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(client *http.Client) {
		for _, c := range []struct {
			method, route string
			want          int
		}{
			{http.MethodGet, "GET /users/{id}", 2},
			{http.MethodGet, "/users/{id}", 2},  // it is that of its method
			{http.MethodPost, "/users/{id}", 1}, // which this is not
			{http.MethodPut, "PUT /reports", 2}, // with any method
			{http.MethodPost, "/reports", 2},    // chosen: to the letter
			{http.MethodPost, "POST /pay", 2},   // by the tag
			{http.MethodGet, "/health", 1},
			{http.MethodGet, "/elsewhere", 3},
			{http.MethodGet, "", 3},
		} {
			req := request(t, c.method, "http://example.com/7", nil)
			req = req.WithContext(cladhttp.Route(req.Context(), c.route))
			calls = 0
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
			if calls != c.want {
				t.Errorf("%s by %q was sent %d times, want %d", c.method, c.route, calls, c.want)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	operations := box.Orchestrator().Metrics().Operations
	if got := operations["http.Client.GET /users/{id}"].TotalOperations; got != 2 {
		t.Errorf("%d operations by that route: %+v", got, operations)
	}
}

func TestNamesThatAreNoRoutesAreMistakes(t *testing.T) {
	for name, want := range map[string]string{
		"users":      `as in "GET /users/{id}"`,
		"get /users": "in capitals",
		" /users":    "in capitals",
		"GET users":  `as in "GET /users/{id}"`,
		"GETT":       `did you mean "GET"?`,
	} {
		box, err := container.New(catalog(map[string]policy.Service{"http.Client": {Methods: map[string]string{name: "two"}}}))
		if err != nil {
			t.Fatal(err)
		}
		if err := box.Provide(container.Tag(func() *http.Client { return &http.Client{} }, "three")); err != nil {
			t.Fatal(err)
		}
		err = box.Invoke(func(*http.Client) {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q in it", name, err, want)
		}
	}
}
