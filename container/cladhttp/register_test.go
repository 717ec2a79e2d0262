package cladhttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

func catalog(services map[string]policy.Service) policy.Catalog {
	return policy.Catalog{
		Policies: map[string]policy.Policy{
			"three": atOnce(3),
			"two":   atOnce(2),
		},
		Services: services,
	}
}

// attempts tags a constructor with "three" and returns how often each method of
// HTTP is then sent to a server that fails, and how the operations are called.
func attempts[T any](t *testing.T, c policy.Catalog, of func(http.RoundTripper) T, use func(T) http.RoundTripper, opts ...container.TagOption) (map[string]int, policy.Metrics) {
	t.Helper()
	calls := map[string]int{}
	next := roundTripper(func(req *http.Request) (*http.Response, error) {
		calls[req.Method]++
		return answer(req, 500, ""), nil
	})
	box, err := container.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() T { return of(next) }, "three", opts...)); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(value T) {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, "PROPFIND"} {
			resp, err := use(value).RoundTrip(request(t, method, "http://example.com", nil))
			if err != nil {
				t.Fatal(err)
			}
			read(t, resp)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return calls, box.Orchestrator().Metrics()
}

func TestTagWrapsByType(t *testing.T) {
	same := func(rt http.RoundTripper) http.RoundTripper { return rt }
	newClient := func(rt http.RoundTripper) *http.Client { return &http.Client{Transport: rt} }
	transportOf := func(c *http.Client) http.RoundTripper { return c.Transport }
	services := map[string]policy.Service{"http.Client": {Methods: map[string]string{"POST": "two", "OTHER": "two", "GET": "none"}}}

	for _, c := range []struct {
		name string
		run  func(*testing.T) (map[string]int, policy.Metrics)
		want map[string]int
	}{
		{"RoundTripper", func(t *testing.T) (map[string]int, policy.Metrics) {
			t.Helper()
			return attempts(t, catalog(nil), same, same)
		}, map[string]int{"GET": 3, "POST": 1, "PATCH": 1, "PROPFIND": 1}},
		{"Client", func(t *testing.T) (map[string]int, policy.Metrics) {
			t.Helper()
			return attempts(t, catalog(nil), newClient, transportOf)
		}, map[string]int{"GET": 3, "POST": 1, "PATCH": 1, "PROPFIND": 1}},
		{"chosen in code", func(t *testing.T) (map[string]int, policy.Metrics) {
			t.Helper()
			return attempts(t, catalog(nil), same, same, container.Method("POST", "two"), container.Method("PATCH", "none"))
		}, map[string]int{"GET": 3, "POST": 2, "PATCH": 1, "PROPFIND": 1}},
		{"chosen in the profile", func(t *testing.T) (map[string]int, policy.Metrics) {
			t.Helper()
			return attempts(t, catalog(services), newClient, transportOf)
		}, map[string]int{"GET": 1, "POST": 2, "PATCH": 1, "PROPFIND": 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, metrics := c.run(t)
			for method, want := range c.want {
				if calls[method] != want {
					t.Errorf("%s was sent %d times, want %d", method, calls[method], want)
				}
			}
			for operation := range metrics.Operations {
				if !strings.HasSuffix(operation, ".POST") && !strings.HasSuffix(operation, ".GET") &&
					!strings.HasSuffix(operation, ".PATCH") && !strings.HasSuffix(operation, ".OTHER") {
					t.Errorf("operation %s is not called after a method", operation)
				}
			}
			if len(metrics.Operations) == 0 {
				t.Error("no operation was counted")
			}
		})
	}
}

// The methods share the breaker of their service: it is one server.
func TestMethodsShareABreaker(t *testing.T) {
	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"guarded": policy.CircuitBreaker{FailureThreshold: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	newTransport := func() http.RoundTripper { return failing }
	if err := box.Provide(container.Tag(newTransport, "guarded")); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(rt http.RoundTripper) {
		_ = send(t, rt, "http://bad.example")
		resp, err := rt.RoundTrip(request(t, http.MethodPost, "http://good.example", nil))
		if err == nil {
			read(t, resp)
			t.Error("the breaker is not shared")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTaggedTransportsTellTheirMethodsOnceAndWhatIsBehindThem(t *testing.T) {
	box, err := container.New(catalog(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Provide(container.Tag(func() http.RoundTripper { return failing }, "three")); err != nil {
		t.Fatal(err)
	}
	err = box.Invoke(func(rt http.RoundTripper) {
		if _, ok := container.Unwrap(rt).(roundTripper); !ok {
			t.Errorf("behind it is a %T", container.Unwrap(rt))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	services := box.Orchestrator().Services()
	if len(services) != 1 || len(services[0].Methods) != 9 {
		t.Fatalf("got %+v", services)
	}
	for _, m := range services[0].Methods {
		want := container.Guarded
		switch m.Name {
		case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
			want = container.GuardedHedging
		}
		if m.Guard != want || m.Policy != "three" {
			t.Errorf("got %+v", m)
		}
	}
}
