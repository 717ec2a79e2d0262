package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/cladgo/clad/cmd/clad/internal/live"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/apptest"
	"github.com/cladgo/clad/policy"
)

// atlas is a service with a proxy as clad gen writes it, of which the first attempt of
// a search takes as long as a test says, and prices are what they were.
type atlas interface{ apptest.Atlas }

func init() {
	container.RegisterProxy(func(next atlas, m container.Methods) atlas { return apptest.NewAtlasProxy(next, m) })
}

type printedAtlas struct {
	attempts atomic.Int64
	takes    [2]time.Duration // the first attempt of each search, and the second
	lost     bool
}

func (a *printedAtlas) Find(ctx context.Context, _ string) (string, error) {
	select {
	case <-time.After(a.takes[(a.attempts.Add(1)-1)%2]):
		return "page 7", nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (a *printedAtlas) Price(context.Context, string) (int, error) {
	if a.lost {
		return 0, errors.New("the shop is closed")
	}
	return 12, nil
}

type tenantKey struct{}

func asTenant(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, tenantKey{}, name)
}

type courier func(context.Context) error

// everything is an application that uses all there is, in virtual time.
type everything struct {
	t *testing.T
	c *container.Container
	h http.Handler
}

func newEverything(t *testing.T, store container.Store) *everything {
	t.Helper()
	c, err := container.New(policy.Catalog{
		CircuitBreakers: map[string]policy.CircuitBreaker{"bank": {FailureThreshold: 3, Shared: true}},
		RateLimiters: map[string]policy.RateLimit{
			"calls": {RequestsPerSecond: 100, Burst: 25, Shared: true}, "mails": {RequestsPerPeriod: 4, Per: time.Minute},
		},
		Bulkheads: map[string]policy.Bulkhead{"room": {MaxConcurrent: 2, MaxWait: time.Hour, Reserve: 0.5}, "door": {MaxConcurrent: 1}},
		Policies: map[string]policy.Policy{
			"atlas":   policy.Combine(policy.Hedge{Delay: 10 * time.Millisecond, Budget: 1}, policy.Timeout(time.Minute)),
			"prices":  policy.Stale(time.Hour),
			"courier": policy.CircuitBreaker{FailureThreshold: 1, RecoveryTimeout: time.Hour},
		},
	}, container.WithStore(store), container.WithMaxPartitions(3))
	if err != nil {
		t.Fatal(err)
	}
	return &everything{t, c, console.Handler(c.Orchestrator())}
}

// run runs something under a policy by the id of an operation.
func (e *everything) run(ctx context.Context, operation string, p policy.Policy, does func(context.Context) error) {
	e.t.Helper()
	r, err := e.c.Orchestrator().For(operation, p)
	if err != nil {
		e.t.Fatal(err)
	}
	_ = r.Run(ctx, does)
}

// happens is one of everything.
func (e *everything) happens() {
	a, ctx, t := &printedAtlas{}, e.t.Context(), e.t
	down := func(context.Context) error { return errors.New("connection refused") }
	choosy := func() courier {
		return func(ctx context.Context) error {
			if name := ctx.Value(tenantKey{}); name == "globex" || name == "initech" {
				return down(ctx)
			}
			return nil
		}
	}
	tenant := func(ctx context.Context) string { name, _ := ctx.Value(tenantKey{}).(string); return name }
	spare := func() courier { return func(context.Context) error { return nil } }
	for _, tagged := range []any{
		container.Tag(func() atlas { return a }, "atlas", container.Method("Price", "prices")),
		container.Tag(choosy, "courier", container.Partition(tenant), container.Fallback(spare)),
	} {
		if err := e.c.Provide(tagged); err != nil {
			t.Fatal(err)
		}
	}
	var wrapped atlas
	var send courier
	if err := e.c.Invoke(func(a atlas, c courier) { wrapped, send = a, c }); err != nil {
		t.Fatal(err)
	}
	for _, a.takes = range [][2]time.Duration{{time.Minute, time.Millisecond}, {20 * time.Millisecond, time.Second}} {
		if _, err := wrapped.Find(ctx, "x"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
	}
	_, _ = wrapped.Price(ctx, "x")
	a.lost = true
	_, _ = wrapped.Price(ctx, "x")
	for _, name := range []string{"acme", "globex", "umbrella", "initech"} {
		_ = send(asTenant(ctx, name))
	}
	adapts := policy.AdaptiveLimit{Initial: 4, Min: 2, Max: 200}
	for _, of := range []struct {
		operation string
		calls     int
	}{{"ledger", 200}, {"archive", 70}} { // few enough for this to measure still
		for range of.calls {
			e.run(ctx, of.operation, adapts, func(context.Context) error { time.Sleep(10 * time.Millisecond); return nil })
		}
	}
	for range 6 {
		e.run(ctx, "mail", policy.RateLimit{Name: "mails"}, func(context.Context) error { return nil })
		e.run(ctx, "quote", policy.RateLimit{Name: "calls"}, func(context.Context) error { return nil })
	}
	e.run(ctx, "pay", policy.CircuitBreaker{Name: "bank"}, func(context.Context) error { return nil })
	e.run(ctx, "report", policy.Retry{MaxAttempts: 5, Backoff: policy.Fixed(time.Millisecond), Budget: 0.01}, down)
	e.run(ctx, "drill", policy.Chaos{Rate: 1, Error: errors.New("a drill"), For: time.Hour}, down)
	e.run(ctx, "door", policy.Bulkhead{Name: "door"}, func(context.Context) error {
		e.run(policy.WithCriticality(ctx, policy.Sheddable), "door", policy.Bulkhead{Name: "door"}, down)
		e.run(ctx, "door", policy.Bulkhead{Name: "door"}, down)
		return nil
	})
}

// crowd fills the room while it is looked at.
func (e *everything) crowd(look func()) {
	leave := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			e.run(e.t.Context(), "room", policy.Bulkhead{Name: "room"}, func(context.Context) error { <-leave; return nil })
		})
	}
	synctest.Wait()
	look()
	close(leave)
	all.Wait()
}

// state is the console's JSON.
func (e *everything) state() []byte {
	w := httptest.NewRecorder()
	e.h.ServeHTTP(w, httptest.NewRequestWithContext(e.t.Context(), http.MethodGet, "/api/state", nil))
	return w.Body.Bytes()
}

// states are those of an application that uses everything, while its fleet is there and
// after the store has gone.
func states(t *testing.T) (together, alone []byte) {
	synctest.Test(t, func(t *testing.T) {
		store := &apptest.ThreeInstances{}
		e := newEverything(t, store)
		defer e.c.Orchestrator().Close()
		e.happens()
		time.Sleep(7 * time.Second)
		e.crowd(func() { together = e.state() })
		store.Away.Store(true)
		for range 20 {
			e.run(t.Context(), "quote", policy.RateLimit{Name: "calls"}, func(context.Context) error { return nil })
			time.Sleep(500 * time.Millisecond)
		}
		alone = e.state()
	})
	return together, alone
}

// What an application does is on the screen of who looks: from real calls, through the
// console's JSON, to what the tool prints.
func TestEverythingIsSeen(t *testing.T) {
	together, alone := states(t)
	for name, body := range map[string][]byte{"together": together, "alone": alone} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(body)
		}))
		defer server.Close()
		said := func(args ...string) string {
			t.Helper()
			code, out, err := clad(t, append(args, server.URL)...)
			if code != ok || err != "" {
				t.Errorf("%v: %d, %s", args, code, err)
			}
			return out
		}
		golden(t, filepath.Join("testdata", name+".top"), said("top", "-n", "1"))
		golden(t, filepath.Join("testdata", name+".status"), said("status", "-v"))
		var status struct{ Facts []string }
		if err := json.Unmarshal([]byte(said("status", "-json")), &status); err != nil || !strings.Contains(said("status", "-v"), strings.Join(status.Facts, "\n")) {
			t.Errorf("%v: %q", err, status.Facts)
		}
		var state console.State
		if err := json.Unmarshal(body, &state); err != nil {
			t.Fatal(err)
		}
		screen := &live.Screen{Address: "http://localhost:8080/clad/", Width: 80, Height: 32}
		screen.Show(&state, nil)
		var frames strings.Builder
		for range 3 {
			for _, line := range screen.Frame() {
				if utf8.RuneCountInString(line) > 80 {
					t.Errorf("wider than the terminal: %s", line)
				}
				frames.WriteString(strings.TrimRight(line, " ") + "\n")
			}
			frames.WriteString(strings.Repeat("=", 80) + "\n")
			screen.Key("tab")
		}
		golden(t, filepath.Join("testdata", name+".screens"), frames.String())
	}
}
