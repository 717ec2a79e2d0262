package clients

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/twitchtv/twirp"
	"github.com/twitchtv/twirp/example"
)

const twirpGo = "github.com/twitchtv/twirp"

// haberdasher answers with a code.
type haberdasher struct{ code twirp.ErrorCode }

func (h *haberdasher) MakeHat(ctx context.Context, _ *example.Size) (*example.Hat, error) {
	if h.code == "" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, twirp.NewError(h.code, "no")
}

func TestTwirp(t *testing.T) {
	t.Parallel()
	h := &haberdasher{}
	s := httptest.NewServer(example.NewHaberdasherServer(h))
	t.Cleanup(s.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	ask := func(ctx context.Context, url string) error {
		_, err := example.NewHaberdasherProtobufClient(url, &http.Client{Transport: transport}).MakeHat(ctx, &example.Size{Inches: 1})
		return err
	}
	saw := func(situation string, err error, want meaning) {
		t.Helper()
		rpcFamily.meets(t, twirpGo, situation, err, want)
	}
	for _, tt := range []struct {
		situation string
		code      twirp.ErrorCode
		want      meaning
	}{
		{"not found", twirp.NotFound, answered},
		{"it exists already", twirp.AlreadyExists, answered},
		{"an argument that is wrong", twirp.InvalidArgument, answered},
		{"a request that is wrong", twirp.Malformed, answered},
		{"not in a state for it", twirp.FailedPrecondition, answered},
		{"a conflict", twirp.Aborted, answered},
		{"not permitted", twirp.PermissionDenied, answered},
		{"a wrong password", twirp.Unauthenticated, answered},
		{"throttled", twirp.ResourceExhausted, failed},
		{"unavailable", twirp.Unavailable, failed},
		{"its own trouble", twirp.Internal, failed},
		{"data is lost", twirp.DataLoss, meaning{Verdict: failed.Verdict, Final: true}},
	} {
		h.code = tt.code
		saw(tt.situation, ask(t.Context(), s.URL), tt.want)
	}
	missing := httptest.NewServer(http.NotFoundHandler())
	defer missing.Close()
	saw("a procedure that is not one, at a proxy", ask(t.Context(), missing.URL), answered)
	saw("nobody listens", ask(t.Context(), "http://127.0.0.1:"+freePort(t)), unmade)

	h.code = ""
	const soon = 300 * time.Millisecond
	var err error
	deadline := took(func() { err = ask(within(t, soon), s.URL) })
	saw("the deadline passes at a server that hangs", err, failed)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	cancelled := took(func() { _ = ask(ctx, s.URL) })
	rpcFamily.behaves(twirpGo, way{deadline: heard(deadline, soon), cancellation: heard(cancelled, soon), retries: "no", set: "nothing"})
}
