package cladhttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladhttp"
	"github.com/cladgo/clad/policy"
)

// A tagged constructor of a client: its requests are guarded.
func Example() {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		if calls == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, "52.52, 13.40")
	}))
	defer server.Close()

	box, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"external_api": policy.Combine(
			policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(time.Millisecond)},
			policy.Timeout(5*time.Second)),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := box.Provide(container.Tag(func() *http.Client { return &http.Client{} }, "external_api")); err != nil {
		fmt.Println(err)
		return
	}
	err = box.Invoke(func(client *http.Client) error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		fmt.Printf("%s after %d attempts\n", body, calls)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: 52.52, 13.40 after 2 attempts
}

// A server that admits one request a minute, and tells others when to come back.
func ExampleLimit() {
	orchestrator, err := container.NewOrchestrator(policy.Catalog{})
	if err != nil {
		fmt.Println(err)
		return
	}
	runner, err := orchestrator.For("reports", policy.Combine(
		policy.RateLimit{RequestsPerSecond: 1.0 / 60, Burst: 1},
		policy.Timeout(10*time.Second)))
	if err != nil {
		fmt.Println(err)
		return
	}
	reports := cladhttp.Limit(runner)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "the report")
	}))
	for range 2 {
		w := httptest.NewRecorder()
		reports.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/report", nil))
		fmt.Println(w.Code, w.Header().Get("Retry-After"), w.Body)
	}
	// Output:
	// 200  the report
	// 429 60 {"title":"Too Many Requests","status":429}
}
