package cladhttp_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// roundTripper is a function that is one.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer makes a response as a server's would look.
func answer(req *http.Request, status int, body string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{}, Request: req,
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)),
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func newOrchestrator(t *testing.T, opts ...container.Option) *container.Orchestrator {
	t.Helper()
	o, err := container.NewOrchestrator(policy.Catalog{}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func runner(t *testing.T, layers ...policy.Policy) policy.Runner {
	t.Helper()
	r, err := newOrchestrator(t).For("test", policy.Combine(layers...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// atOnce is a retry that does not wait.
func atOnce(attempts int) policy.Retry {
	return policy.Retry{MaxAttempts: attempts, Backoff: policy.Fixed(0)}
}

func request(t *testing.T, method, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// fails sends a request that gets no answer, and returns why.
func fails(t *testing.T, rt http.RoundTripper, req *http.Request) error {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	if err == nil {
		t.Errorf("answered %d %q", resp.StatusCode, read(t, resp))
	}
	return err
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("reading the body: %v", err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Errorf("closing the body: %v", err)
	}
	return string(body)
}

const someTime = time.Minute

// quiet keeps what servers say of their handlers' panics out of the tests' output.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
