package gen_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/record"
	"github.com/cladgo/clad/policy"
)

// TestResultsOutliveTheCall: the context of the attempt that made a result used
// to end with the call, and a body failed half-way through reading; what a method
// of the result handed out, an event stream, had nothing in it. Later it ended
// with the timeout, which cut off what had been opened in time.
func TestResultsOutliveTheCall(t *testing.T) {
	const call, timedOut, caller = "the call", "the timeout", "the caller"
	ctx := context.Background()
	for _, c := range []struct {
		name string
		call func(ctx context.Context, lives nasty.Lives) (closeBody func() error)
		ends string
	}{
		{"response", func(ctx context.Context, l nasty.Lives) func() error {
			resp, _ := l.Response(ctx) //nolint:bodyclose // it is, by who gets its Close
			return resp.Body.Close
		}, timedOut},
		{"body", func(ctx context.Context, l nasty.Lives) func() error {
			rc, _ := l.Body(ctx)
			return rc.Close
		}, timedOut},
		{"field", func(ctx context.Context, l nasty.Lives) func() error {
			o, _ := l.Object(ctx)
			return o.Body.Close
		}, timedOut},
		{"field through a pointer", func(ctx context.Context, l nasty.Lives) func() error {
			o, _, _ := l.Pointer(ctx)
			return o.Body.Close
		}, timedOut},
		{"rows", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Rows(ctx) //nolint:rowserrcheck,sqlclosecheck // there are none
			return nil
		}, timedOut},
		{"transaction", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Tx(ctx)
			return nil
		}, caller},
		{"channel", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Channel(ctx)
			return nil
		}, caller},
		{"channel that is bounded", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Bounded(ctx)
			return nil
		}, timedOut},
		{"lease", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Lease(ctx)
			return nil
		}, caller},
		{"context", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Context(ctx)
			return nil
		}, caller},
		{"iterator", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Seq(ctx)
			return nil
		}, caller},
		{"function", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Func(ctx)
			return nil
		}, caller},
		{"stream", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Stream(ctx)
			return nil
		}, caller},
		{"stream behind a method", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Output(ctx)
			return nil
		}, caller},
		{"watcher", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Watch(ctx)
			return nil
		}, caller},
		{"several", func(ctx context.Context, l nasty.Lives) func() error {
			_, _, _ = l.Several(ctx) //nolint:bodyclose // what ends the context is tested
			return nil
		}, caller},
		{"list", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Slice(ctx)
			return nil
		}, caller},
		{"data", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Data(ctx)
			return nil
		}, call},
		{"signal", func(ctx context.Context, l nasty.Lives) func() error {
			_, _ = l.Confirm(ctx)
			return nil
		}, call},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &record.Recorder{}
				var ctxs []context.Context
				var bodies []*pending
				r.Fill = func(results []any) {
					ctx := r.Args[0].(context.Context)
					_ = ctx.Done() // somebody waits
					ctxs = append(ctxs, ctx)
					bodies = append(bodies, &pending{body: newBody("text"), ctx: ctx})
					fill(results, bodies[len(bodies)-1])
				}
				lives := resolve[nasty.Lives](t, r, "retried")
				over := func() bool {
					synctest.Wait()
					return ctxs[len(ctxs)-1].Err() != nil
				}

				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				closeBody := c.call(ctx, lives)
				if over() != (c.ends == call) {
					t.Fatalf("after the call the context is over: %v, want its end with %s", over(), c.ends)
				}
				time.Sleep(timeout + time.Second)
				if over() != (c.ends != caller) {
					t.Errorf("after the timeout the context is over: %v, want its end with %s", over(), c.ends)
				}
				cancel()
				if !over() {
					t.Error("the context outlives the caller's")
				}
				if closeBody == nil {
					return
				}
				closeBody = c.call(context.Background(), lives)
				if over() {
					t.Error("the context is over before the body")
				}
				if err := closeBody(); err != nil || !bodies[1].closed || !over() {
					t.Errorf("Close: %v; it reached the body: %v; the context is over: %v", err, bodies[1].closed, over())
				}
			})
		})
	}
}

// TestATimeoutBoundsTheOpening: what takes too long to open is still cut off, and
// called a timeout.
func TestATimeoutBoundsTheOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record.Recorder{}
		r.Fill = func(results []any) {
			ctx := r.Args[0].(context.Context)
			if _, ok := ctx.Deadline(); ok {
				t.Error("the opening's context tells a deadline that a server would end the stream at")
			}
			<-ctx.Done()
			*results[1].(*error) = ctx.Err()
		}
		start := time.Now()
		_, err := resolve[nasty.Lives](t, r, "retried").Watch(t.Context())
		if !errors.Is(err, policy.ErrTimeout) || time.Since(start) != timeout {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestABodyIsJudgedAtItsEnd: one that broke off was a success, since its method
// had returned none.
func TestABodyIsJudgedAtItsEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		read func(rc io.ReadCloser) error
		want policy.Totals
	}{
		{"read to its end", func(rc io.ReadCloser) error { return nil }, policy.Totals{TotalOperations: 1, SuccessfulOperations: 1}},
		{"broken off", func(rc io.ReadCloser) error { return errDown }, policy.Totals{TotalOperations: 1, FailedOperations: 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &record.Recorder{}
			lives, metrics := measured[nasty.Lives](t, r, "retried")
			r.Fill = func(results []any) {
				*results[0].(*io.ReadCloser) = &pending{body: newBody("text"), ctx: context.Background(), fails: c.read(nil)}
			}
			rc, err := lives.Body(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n := metrics().TotalOperations; n != 0 {
				t.Errorf("%d operations before the body has ended", n)
			}
			if _, err := io.ReadAll(rc); !errors.Is(err, c.read(nil)) {
				t.Errorf("read %v", err)
			}
			if err := rc.Close(); err != nil {
				t.Error(err)
			}
			if got := metrics().Totals; got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestABodyThatStallsTimesOut: it hung until the timeout, and nobody heard of it.
func TestABodyThatStallsTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record.Recorder{}
		lives, metrics := measured[nasty.Lives](t, r, "retried")
		r.Fill = func(results []any) {
			*results[0].(*io.ReadCloser) = &pending{body: newBody("text"), ctx: r.Args[0].(context.Context), stalls: true}
		}
		rc, err := lives.Body(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // and it is told again
			if _, err := rc.Read(make([]byte, 1)); !errors.Is(err, policy.ErrTimeout) {
				t.Errorf("%v, want a timeout", err)
			}
		}
		if got := metrics(); got.TimeoutCount != 1 || got.FailedOperations != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// TestTransactionsUnderOneLongContextAddUpToNothing: each that is open keeps its
// context, but one that nobody has any more must not, for as long as the caller's
// lives.
func TestTransactionsUnderOneLongContextAddUpToNothing(t *testing.T) {
	r := &record.Recorder{}
	lives := resolve[nasty.Lives](t, r, "retried")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var opened context.Context
	r.Fill = func(results []any) {
		opened = r.Args[0].(context.Context)
		*results[0].(**sql.Tx) = &sql.Tx{}
	}
	tx, err := lives.Tx(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r.Fill, r.Args = nil, nil
	runtime.GC()
	if opened.Err() != nil {
		t.Error("the context is over while the transaction is open")
	}
	runtime.KeepAlive(tx)
	deadline := time.Now().Add(10 * time.Second)
	for opened.Err() == nil && time.Now().Before(deadline) {
		runtime.GC()
		// real time: the garbage collector has no other
		time.Sleep(time.Millisecond)
	}
	if opened.Err() == nil {
		t.Error("the context outlives the transaction")
	}
}

// TestAFailedAttemptKeepsNothing: only what succeeded goes on.
func TestAFailedAttemptKeepsNothing(t *testing.T) {
	for name, call := range map[string]func(l nasty.Lives, ctx context.Context) error{
		"body":    func(l nasty.Lives, ctx context.Context) error { _, err := l.Body(ctx); return err },
		"channel": func(l nasty.Lives, ctx context.Context) error { _, err := l.Channel(ctx); return err },
		"tx":      func(l nasty.Lives, ctx context.Context) error { _, err := l.Tx(ctx); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &record.Recorder{}
				var ctx context.Context
				r.Fill = func(results []any) {
					ctx = r.Args[0].(context.Context)
					*results[1].(*error) = errDown
				}
				if err := call(resolve[nasty.Lives](t, r, "retried"), t.Context()); !errors.Is(err, errDown) {
					t.Error(err)
				}
				synctest.Wait()
				if ctx.Err() == nil {
					t.Error("the context of the failed attempt lives on")
				}
			})
		})
	}
}

// pending is a body that ends as it is told, and stalls until its context ends.
type pending struct {
	*body
	ctx    context.Context
	fails  error
	stalls bool
}

func (p *pending) Read(b []byte) (int, error) {
	if p.stalls {
		<-p.ctx.Done()
		return 0, p.ctx.Err()
	}
	n, err := p.body.Read(b)
	if err == io.EOF && p.fails != nil { //nolint:errorlint // as io.Reader has it
		err = p.fails
	}
	return n, err
}

func fill(results []any, body io.ReadCloser) {
	for _, result := range results {
		switch result := result.(type) {
		case **http.Response:
			*result = &http.Response{Body: body}
		case *io.ReadCloser:
			*result = body
		case *nasty.Object:
			result.Body = body
		case **nasty.Object:
			*result = &nasty.Object{Body: body}
		case **sql.Rows:
			*result = &sql.Rows{}
		case **sql.Tx:
			*result = &sql.Tx{}
		}
	}
}
