package live_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/live"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

// served is an application with a console below a prefix, whose bank is down.
func served(t *testing.T) (address string, o *container.Orchestrator) {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 2, RecoveryTimeout: time.Hour}},
		Policies:        map[string]policy.Policy{"bank": policy.CircuitBreaker{Name: "bank"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/clad/", http.StripPrefix("/clad", console.Handler(o)))
	server := httptest.NewServer(mux)
	t.Cleanup(func() { server.Close(); o.Close() })
	runner, err := o.Pipeline("bank")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = runner.Run(t.Context(), func(context.Context) error { return errors.New("no route to host") })
	}
	return server.URL + "/clad/", o
}

func TestClientAsksARealConsole(t *testing.T) {
	address, _ := served(t)
	for _, address := range []string{address, strings.TrimSuffix(address, "/"), strings.TrimPrefix(address, "http://"), address + "?a=b#c"} {
		c, err := live.NewClient(address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		state, body, err := c.State(t.Context())
		if err != nil || len(state.CircuitBreakers) != 1 || state.CircuitBreakers[0].State != "open" || !strings.HasPrefix(string(body), "{") {
			t.Fatalf("%s: %v, %+v", address, err, state)
		}
		if troubles := live.Troubles(state); len(troubles) != 1 || troubles[0].Critical || !strings.Contains(troubles[0].Text, "circuit breaker bank is open for ") {
			t.Errorf("%v", troubles)
		}
	}
}

func TestClientRefusesWhatIsNoConsole(t *testing.T) {
	answers := map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"a page":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello")) }, `it answers with "text/html" and no JSON: is that where console.Handler is mounted?`},
		"nothing there": {http.NotFound, "it answers 404 Not Found: 404 page not found"},
		"hostile": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "\x1b[2J"+strings.Repeat("x", 500), http.StatusInternalServerError)
		}, `it answers 500 Internal Server Error: \x1b[2Jxxx`},
		"other JSON":  {answerJSON(`{"hello": 1}`), "its JSON is not that of a console"},
		"broken JSON": {answerJSON(`{"at": `), "its JSON is not that of a console: unexpected end"},
		"too large":   {answerJSON(`{"at": "` + strings.Repeat("x", 17<<20) + `"}`), "its answer is larger than 16 MiB"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/api/state", http.StatusFound)
		}, "it leads to http://127.0.0.2:1/api/state, which is not followed"},
	}
	for name, test := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(test.answer)
			defer server.Close()
			c, err := live.NewClient(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, _, err = c.State(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n") || len(err.Error()) > 400 {
				t.Errorf("%v", err)
			}
		})
	}
}

func answerJSON(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"ftp://host/":                "begins with http:// or https://",
		"http://":                    "has no host",
		"http://[::1":                "is no address of a console",
		"http://user:secret@host/\n": "is no address of a console",
	} {
		if _, err := live.NewClient(address); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
	c, err := live.NewClient("http://ann:secret@127.0.0.1:1/clad")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.State(t.Context())
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(c.Address(), "secret") {
		t.Errorf("%v", err)
	}
}
