package container_test

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
	"go.uber.org/fx"
)

type lookup func(ctx context.Context, host string) ([]string, error)

type client struct {
	Get    func(ctx context.Context, id string) (int, error)
	Put    func(ctx context.Context, id string, values ...int) error
	Ping   func(context.Context) error
	Format func(int) string      // not guarded: neither context nor error
	Notify func(context.Context) // no error
	Flush  func() error          // no context
	Unset  func(context.Context) error
}

func TestAFunctionTypeIsWrapped(t *testing.T) {
	calls := 0
	start(t,
		fx.Provide(container.Tag(func() lookup {
			return func(ctx context.Context, host string) ([]string, error) {
				if calls++; calls < 3 {
					return nil, errDown
				}
				return []string{host}, ctx.Err()
			}
		}, "external_api")),
		fx.Invoke(func(l lookup) {
			if got, err := l(t.Context(), "h"); err != nil || len(got) != 1 || got[0] != "h" || calls != 3 {
				t.Errorf("got %v, %v after %d attempts", got, err, calls)
			}
		}))
}

func TestAFunctionOfNoNameIsWrapped(t *testing.T) {
	calls := 0
	var o *container.Orchestrator
	start(t,
		fx.Provide(container.Tag(newPing(&calls), "external_api")),
		fx.Populate(&o),
		fx.Invoke(func(ping func(context.Context) error) {
			if err := ping(t.Context()); !errors.Is(err, policy.ErrRetriesExhausted) || calls != 3 {
				t.Errorf("%v after %d attempts", err, calls)
			}
		}))
	// Its type says nothing, so the operation is named after its constructor.
	if m := o.Metrics().Operations; len(m) != 1 {
		t.Errorf("operations: %+v", m)
	} else {
		for id := range m {
			if id == "" || id == "func(context.Context) error" {
				t.Errorf("the operation is called %q", id)
			}
		}
	}
}

func newPing(calls *int) func() func(context.Context) error {
	return func() func(context.Context) error {
		return func(context.Context) error { *calls++; return errDown }
	}
}

func newClient(calls map[string]int) client {
	return client{
		Get: func(context.Context, string) (int, error) { calls["Get"]++; return 7, errDown },
		Put: func(_ context.Context, id string, values ...int) error {
			calls["Put"]++
			if id != "x" || len(values) != 2 || values[1] != 9 {
				return policy.Permanent(errNo)
			}
			return errDown
		},
		Ping:   func(context.Context) error { calls["Ping"]++; return errDown },
		Format: func(int) string { return "formatted" },
		Notify: func(context.Context) { calls["Notify"]++ },
		Flush:  func() error { calls["Flush"]++; return errDown },
	}
}

func TestAStructOfFunctionsIsWrapped(t *testing.T) {
	for name, provide := range map[string]func(calls map[string]int) fx.Option{
		"a value": func(calls map[string]int) fx.Option {
			return fx.Options(
				fx.Provide(container.Tag(func() client { return newClient(calls) }, "external_api", container.Method("Put", "database"), container.Method("Ping", "none"))),
				fx.Provide(func(c client) *client { return &c }))
		},
		"a pointer": func(calls map[string]int) fx.Option {
			return fx.Provide(container.Tag(func() (*client, error) { c := newClient(calls); return &c, nil }, "external_api", container.Method("Put", "database"), container.Method("Ping", "none")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls := map[string]int{}
			var o *container.Orchestrator
			start(t, provide(calls), fx.Populate(&o), fx.Invoke(func(c *client) {
				if got, err := c.Get(t.Context(), "x"); got != 7 || !errors.Is(err, errDown) || calls["Get"] != 3 {
					t.Errorf("Get: %v, %v after %d attempts", got, err, calls["Get"])
				}
				if err := c.Put(t.Context(), "x", 8, 9); !errors.Is(err, errDown) || calls["Put"] != 2 {
					t.Errorf("Put: %v after %d attempts", err, calls["Put"])
				}
				if err := c.Ping(t.Context()); err != errDown || calls["Ping"] != 1 { //nolint:errorlint // straight through
					t.Errorf("Ping: %v after %d attempts", err, calls["Ping"])
				}
				c.Notify(t.Context())
				_ = c.Flush()
				if c.Format(1) != "formatted" || calls["Notify"] != 1 || calls["Flush"] != 1 || c.Unset != nil {
					t.Errorf("the others: %q, calls %v, unset is nil: %v", c.Format(1), calls, c.Unset == nil)
				}
			}))
			if got := o.Metrics(); got.RetryAttempts != 2+1 {
				t.Errorf("metrics are %+v", got)
			}
		})
	}
}

// Who keeps the constructor's own pointer must not find it changed.
func TestTheOriginalOfAStructOfFunctionsStaysAsItIs(t *testing.T) {
	calls := map[string]int{}
	original := newClient(calls)
	start(t,
		fx.Provide(container.Tag(func() *client { return &original }, "external_api")),
		fx.Invoke(func(c *client) {
			if c == &original {
				t.Error("the original was handed out")
			}
			_ = original.Ping(t.Context())
			if calls["Ping"] != 1 {
				t.Errorf("the original makes %d attempts", calls["Ping"])
			}
		}))
}

func TestNilFunctionsStayNil(t *testing.T) {
	start(t,
		fx.Provide(
			container.Tag(func() lookup { return nil }, "external_api"),
			container.Tag(func() *client { return nil }, "external_api"),
			container.Tag(func() client { return client{} }, "external_api")),
		fx.Invoke(func(l lookup, p *client, v client) {
			if l != nil || p != nil || v.Get != nil || v.Ping != nil {
				t.Errorf("nil came out as %T, %v, %+v", l, p, v)
			}
		}))
}

func TestAWrappedFunctionSeesTheDeadlineAndThePanicGoesOn(t *testing.T) {
	virtual(t, func(t *testing.T) {
		c := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Combine(policy.CircuitBreaker{FailureThreshold: 2}, policy.Timeout(time.Second))}}
		app := fx.New(fx.NopLogger, provided(c),
			fx.Provide(container.Tag(func() client {
				return client{
					Get:  func(ctx context.Context, _ string) (int, error) { return 1, wait(ctx, time.Hour) },
					Ping: func(context.Context) error { panic("boom") },
				}
			}, "p")),
			fx.Invoke(func(c client) {
				_, err := c.Get(t.Context(), "x")
				wantIs(t, err, policy.ErrTimeout, context.DeadlineExceeded)
				if got := recovered(func() { _ = c.Ping(t.Context()) }); got != "boom" {
					t.Errorf("recovered %v", got)
				}
				_, err = c.Get(t.Context(), "x") // two failures of one dependency
				wantIs(t, err, policy.ErrCircuitOpen)
			}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}

func TestAWrappedFunctionTakesANilContext(t *testing.T) {
	start(t,
		fx.Provide(container.Tag(func() lookup { return func(context.Context, string) ([]string, error) { return nil, nil } }, "external_api")),
		fx.Invoke(func(l lookup) {
			if _, err := l(nil, "h"); err != nil {
				t.Error(err)
			}
		}))
}

func TestAWrappedFunctionIsSafeForManyGoroutines(t *testing.T) {
	start(t,
		fx.Provide(container.Tag(func() lookup {
			return func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
		}, "external_api")),
		fx.Invoke(func(l lookup) {
			var wg sync.WaitGroup
			for _, host := range []string{"a", "b", "c", "d"} {
				wg.Go(func() {
					for range 100 {
						if got, err := l(t.Context(), host); err != nil || got[0] != host {
							t.Errorf("got %v, %v for %s", got, err, host)
						}
					}
				})
			}
			wg.Wait()
		}))
}

// The context of what a function without a proxy returned used to end with the
// call: a body failed half-way, a channel had nothing in it.
func TestWhatAWrappedFunctionReturnsOutlivesTheCall(t *testing.T) {
	type object struct{ Body io.ReadCloser }
	virtual(t, func(t *testing.T) {
		c := policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Timeout(time.Minute)}}
		var seen context.Context
		rest := func(ctx context.Context) io.ReadCloser {
			seen = ctx
			_ = ctx.Done()
			return io.NopCloser(strings.NewReader("text"))
		}
		app := fx.New(fx.NopLogger, provided(c),
			fx.Provide(
				container.Tag(func() func(context.Context) (io.ReadCloser, error) {
					return func(ctx context.Context) (io.ReadCloser, error) { return rest(ctx), nil }
				}, "p"),
				container.Tag(func() func(context.Context) (*object, error) {
					return func(ctx context.Context) (*object, error) { return &object{rest(ctx)}, nil }
				}, "p"),
				container.Tag(func() func(context.Context) (object, error) {
					return func(ctx context.Context) (object, error) { return object{rest(ctx)}, nil }
				}, "p"),
				container.Tag(func() func(context.Context) (<-chan int, error) {
					return func(ctx context.Context) (<-chan int, error) { rest(ctx); return nil, nil }
				}, "p"),
				container.Tag(func() func(context.Context) (*sql.Tx, error) {
					return func(ctx context.Context) (*sql.Tx, error) { rest(ctx); return &sql.Tx{}, nil }
				}, "p"),
				container.Tag(func() func(context.Context) (*sql.Rows, error) {
					return func(ctx context.Context) (*sql.Rows, error) { rest(ctx); return nil, nil }
				}, "p"),
				container.Tag(func() func(context.Context) error {
					return func(ctx context.Context) error { rest(ctx); return nil }
				}, "p")),
			fx.Invoke(func(
				body func(context.Context) (io.ReadCloser, error),
				pointer func(context.Context) (*object, error),
				value func(context.Context) (object, error),
				channel func(context.Context) (<-chan int, error),
				tx func(context.Context) (*sql.Tx, error),
				rows func(context.Context) (*sql.Rows, error),
				plain func(context.Context) error,
			) {
				over := func() bool { synctest.Wait(); return seen.Err() != nil }
				for name, call := range map[string]func() io.Closer{
					"body":    func() io.Closer { rc, _ := body(t.Context()); return rc },
					"pointer": func() io.Closer { o, _ := pointer(t.Context()); return o.Body },
					"value":   func() io.Closer { o, _ := value(t.Context()); return o.Body },
				} {
					rc := call()
					if over() {
						t.Errorf("%s: the context is over before it", name)
					}
					if _ = rc.Close(); !over() {
						t.Errorf("%s: the context outlives it", name)
					}
				}
				for name, call := range map[string]func(){
					"channel": func() { _, _ = channel(t.Context()) },
					"tx":      func() { _, _ = tx(t.Context()) },
				} {
					if call(); over() {
						t.Errorf("%s: the context ended with the call", name)
					}
					if time.Sleep(time.Hour); over() {
						t.Errorf("%s: the timeout cut off what was open", name)
					}
				}
				_, _ = rows(t.Context()) //nolint:rowserrcheck,sqlclosecheck // there are none
				if over() {
					t.Error("rows: the context ended with the call")
				}
				if time.Sleep(time.Hour); !over() {
					t.Error("rows: the timeout is gone")
				}
				if _ = plain(t.Context()); !over() {
					t.Error("the context outlives the call, for nothing")
				}
			}))
		if err := app.Err(); err != nil {
			t.Error(err)
		}
	})
}
