package clients

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
)

const goElastic = "github.com/elastic/go-elasticsearch/v8"

var elasticFamily = &family{
	title: "Elasticsearch and OpenSearch",
	intro: "Elastic's client makes up to four attempts of its own, one right after the other, at 502, 503, 504 and broken connections. Its functions (`esapi`) give statuses as responses without an error: nothing of a generated proxy sees them, so tag the client's `Transport` by [cladhttp](adapters.md), which judges the response itself. The typed API gives them as errors, and so does OpenSearch's client. A bulk request is answered with status 200 whatever befell its items, each of which has a status: turn the 429 and 503 among them into an error yourself.",
}

type elastic struct {
	plain *elasticsearch.Client
	typed *elasticsearch.TypedClient
}

func openElastic(t *testing.T, url string, patient bool) elastic {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	config := elasticsearch.Config{Addresses: []string{url}, Transport: transport, DisableRetry: !patient}
	plain, err := elasticsearch.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	typed, err := elasticsearch.NewTypedClient(config)
	if err != nil {
		t.Fatal(err)
	}
	return elastic{plain, typed}
}

// elasticAnswers runs a server that answers with the status that the index spells.
func elasticAnswers(t *testing.T, asked *atomic.Int32) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d/", &status)
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"error":{"type":"some_exception","reason":"no"},"status":%d}`, status)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// elasticStatuses are the situations by the status.
var elasticStatuses = []struct {
	situation string
	status    int
	want      meaning
}{
	{"no such index", 404, answered},
	{"another version is there", 409, answered},
	{"a query or a document that is wrong", 400, answered},
	{"not permitted", 403, answered},
	{"a wrong password", 401, answered},
	{"too large", 413, answered},
	{"overloaded: its queue is full", 429, unmade},
	{"its own trouble", 500, failed},
	{"no master, or not enough shards", 503, failed},
}

func TestElasticsearch(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url := elasticAnswers(t, &asked)
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		elasticFamily.meets(t, goElastic, situation, err, want)
	}
	c := openElastic(t, url, false)
	put := func(c elastic, ctx context.Context, status int) error {
		_, err := c.typed.Index(fmt.Sprint(status)).Id("1").Raw(strings.NewReader("{}")).Do(ctx)
		return err
	}
	for _, tt := range elasticStatuses {
		saw(tt.situation, put(c, t.Context(), tt.status), tt.want)
		res, err := c.plain.Get(fmt.Sprint(tt.status), "1")
		if err != nil || res.StatusCode != tt.status {
			t.Errorf("esapi gives %d as %v", tt.status, err)
		}
		_ = res.Body.Close()
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer other.Close()
	_, err := openElastic(t, other.URL, false).plain.Info()
	saw("a server that is not Elasticsearch", err, hopeless)
	saw("nobody listens", put(openElastic(t, "http://127.0.0.1:"+freePort(t), false), t.Context(), 200), unmade)
	reset := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer reset.Close()
	saw("the connection breaks while the request runs", put(openElastic(t, reset.URL, false), t.Context(), 200), unknown)

	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer slow.Close()
	const soon = 300 * time.Millisecond
	hanging := openElastic(t, slow.URL, true)
	deadline := took(func() { err = put(hanging, within(t, soon), 200) })
	saw("the deadline passes at a server that hangs", err, unknown)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = put(hanging, ctx, 200) })

	asked.Store(0)
	patient := took(func() { _ = put(openElastic(t, url, true), t.Context(), 503) })
	retries := fmt.Sprintf("a PUT was sent %d times", asked.Load())
	if patient < 100*time.Millisecond {
		retries += ", without a pause"
	}
	elasticFamily.behaves(goElastic, way{
		deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: retries,
		set: "`DisableRetry: true`, or `RetryBackoff` and no retry in the policy",
	})
}
