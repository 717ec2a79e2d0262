package container_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// lines is a log without times.
type lines struct{ bytes.Buffer }

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "until" || a.Key == "stack" {
			return slog.Attr{}
		}
		return a
	}}))
}

func (l *lines) want(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.TrimSpace(l.String()); got != strings.Join(want, "\n") {
		t.Errorf("logged:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
	l.Reset()
}

const rejectedOp = `level=DEBUG msg="rejected by rate limiter" operation=op limiter=api retry_after=`

func TestAFloodIsSummarised(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var log lines
		o := newOrchestrator(t, policy.Catalog{}, container.WithLogger(log.logger()))
		p := pipelineFor(t, o, "op", policy.RateLimit{Name: "api", RequestsPerSecond: 0.0001, Burst: 1})
		reject := func(n int) {
			for range n {
				_ = p.Run(t.Context(), works)
			}
		}
		reject(1) // which takes the token, in silence
		log.want(t)
		reject(10)
		if n := strings.Count(log.String(), rejectedOp); n != 10 {
			t.Errorf("%d were logged one by one, want 10:\n%s", n, &log)
		}
		log.Reset()
		for range 5 { // over five seconds
			reject(842)
			time.Sleep(time.Second)
		}
		log.want(t)
		time.Sleep(time.Hour)
		reject(1)
		log.want(t,
			`level=DEBUG msg="rejected by rate limiter 4,210 times more in 4s" operation=op times=4210`,
			rejectedOp+"1h46m35.000000001s")
		reject(12)
		log.Reset()
		o.Close()
		log.want(t, `level=DEBUG msg="rejected by rate limiter 3 times more in 1s" operation=op times=3`)
		o.Close()
		log.want(t)
	})
}

// Others than what floods the log are logged as ever, and however many kinds there
// are, they fill no memory: what is too much is told of together.
func TestFloodsAreKeptApartWithinBounds(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var log lines
		o := newOrchestrator(t, policy.Catalog{}, container.WithLogger(log.logger()))
		fail := func(id string, n int) {
			p := pipelineFor(t, o, id, policy.Retry{MaxAttempts: 1})
			for range n {
				_ = p.Run(t.Context(), always(errDown))
			}
		}
		fail("noisy", 20)
		log.Reset()
		fail("other", 1)
		log.want(t, `level=DEBUG msg="attempt failed" operation=other attempt=1 verdict=unknown error="the dependency is down"`)
		for n := range 2000 {
			fail(fmt.Sprint("customer ", n), 1)
		}
		if n := strings.Count(log.String(), "\n"); n != 998+10 {
			t.Errorf("%d lines, want one each for a thousand operations, and ten for the others", n)
		}
		log.Reset()
		time.Sleep(10 * time.Second)
		fail("newcomer", 1) // makes room
		for _, want := range []string{
			`msg="attempt failed 10 times more in 1s" operation=noisy`,
			`msg="attempt failed 992 times more in 1s" operation=(others)`,
			`msg="attempt failed" operation=newcomer`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("%q is missing in\n%s", want, &log)
			}
		}
	})
}

// A listener that panicked at every call filled the log with its stack.
func TestAListenerThatPanicsDoesNotFloodTheLog(t *testing.T) {
	var log lines
	boom := func(context.Context, container.Completed) { panic("boom") }
	o := newOrchestrator(t, policy.Catalog{}, container.WithLogger(log.logger()), container.OnCompleted(boom))
	p := pipelineFor(t, o, "op", policy.Retry{})
	for range 100 {
		_ = p.Run(t.Context(), works)
	}
	o.Close()
	if n := strings.Count(log.String(), "boom"); n != 10 {
		t.Errorf("logged %d times", n)
	}
	if want := `level=ERROR msg="listener panicked 90 times more in 1s" event=container.Completed times=90`; !strings.Contains(log.String(), want) {
		t.Errorf("%q is missing in\n%s", want, &log)
	}
}

// contexts is a handler that notes what it finds in the contexts that it is given.
type contexts struct {
	slog.Handler
	found map[string]int
}

type requestKey struct{}

func (c contexts) Handle(ctx context.Context, r slog.Record) error {
	if ctx.Value(requestKey{}) == "request 7" {
		c.found[r.Message]++
	}
	return nil
}

func TestDecisionsAreLoggedWithTheRequestsContext(t *testing.T) {
	virtual(t, func(t *testing.T) {
		handler := contexts{slog.NewTextHandler(&bytes.Buffer{}, &slog.HandlerOptions{Level: slog.LevelDebug}), map[string]int{}}
		o := newOrchestrator(t, policy.Catalog{}, container.WithLogger(slog.New(handler)))
		p := pipelineFor(t, o, "op",
			policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)},
			policy.RateLimit{RequestsPerSecond: 0.5, Burst: 1, MaxWait: time.Minute},
			policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour},
			policy.Timeout(time.Second))
		_ = p.Run(context.WithValue(t.Context(), requestKey{}, "request 7"), waits(time.Hour))
		for _, want := range []string{
			"attempt failed", "retrying", "timed out", "waited for rate limiter", "rejected by circuit breaker", "tripped circuit breaker",
		} {
			if handler.found[want] == 0 {
				t.Errorf("%q was not logged with the request's context: %v", want, handler.found)
			}
		}
	})
}
