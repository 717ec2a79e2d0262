package gen_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/record"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

var errDown = errors.New("down")

const timeout = time.Minute

// retried is a policy whose every layer shows: three attempts, a deadline.
var retried = policy.Catalog{
	Policies: map[string]policy.Policy{
		"retried": policy.Combine(policy.Timeout(timeout), policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)}),
		"retry":   policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(time.Second)},
		"instant": policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)},
	},
}

// chosen is a catalog that chooses the policy for every method of T, which beats
// //clad:once.
func chosen[T any]() policy.Catalog {
	methods := map[string]string{}
	for i := range reflect.TypeFor[T]().NumMethod() {
		methods[reflect.TypeFor[T]().Method(i).Name] = "retried"
	}
	c := retried
	c.Services = map[string]policy.Service{reflect.TypeFor[T]().String(): {Methods: methods}}
	return c
}

// resolve provides the fake of T under a policy and returns what comes out. The
// policy "chosen" is one that the profile chooses for each method.
func resolve[T any](t *testing.T, r *record.Recorder, policyName string, opts ...container.TagOption) T {
	t.Helper()
	return wrapped(t, nasty.Fakes(r)[reflect.TypeFor[T]()].(T), policyName, opts...)
}

// measured is resolve with the metrics of what comes out.
func measured[T any](t *testing.T, r *record.Recorder, policyName string) (T, func() policy.Metrics) {
	t.Helper()
	v, o := provided(t, nasty.Fakes(r)[reflect.TypeFor[T]()].(T), policyName)
	return v, o.Metrics
}

func wrapped[T any](t *testing.T, v T, policyName string, opts ...container.TagOption) T {
	t.Helper()
	v, _ = provided(t, v, policyName, opts...)
	return v
}

func provided[T any](t *testing.T, v T, policyName string, opts ...container.TagOption) (found T, o *container.Orchestrator) {
	t.Helper()
	catalog := retried
	if policyName == "chosen" {
		catalog, policyName = chosen[T](), "none"
	}
	c, err := container.New(catalog)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(container.Tag(func() T { return v }, policyName, opts...)); err != nil {
		t.Fatal(err)
	}
	if err := c.Invoke(func(v T, orchestrator *container.Orchestrator) { found, o = v, orchestrator }); err != nil {
		t.Fatal(err)
	}
	return found, o
}

// attempts counts the calls of a target that is always down.
func attempts(r *record.Recorder, call func() error) (n int, err error) {
	r.Fill = func(results []any) {
		n++
		for _, result := range results {
			if e, ok := result.(*error); ok {
				*e = errDown
			}
		}
	}
	return n, errors.Join(call(), nil)
}

func TestHowManyAttemptsAMethodGets(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		want int
		call func(t *testing.T, r *record.Recorder) error
	}{
		{"a context and an error", 3, func(t *testing.T, r *record.Recorder) error {
			_, err := resolve[nasty.Plain](t, r, "retried").Full(ctx, 1)
			return err
		}},
		{"no context", 3, func(t *testing.T, r *record.Recorder) error {
			_, err := resolve[nasty.Plain](t, r, "retried").NoContext(1)
			return err
		}},
		{"the error not last", 1, func(t *testing.T, r *record.Recorder) error {
			err, _ := resolve[nasty.Plain](t, r, "retried").ErrorNotLast(ctx)
			return err
		}},
		{"once", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Plain](t, r, "retried").Once(ctx)
		}},
		{"once, without a context", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Plain](t, r, "retried").OnceWithoutContext()
		}},
		{"a channel that the first attempt receives from", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "retried").Feed(ctx, nil)
		}},
		{"a channel to receive from, though the profile chooses", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "chosen").Feed(ctx, nil)
		}},
		{"a cursor, skipped and then chosen", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "none", container.Method("Later", "retried")).Later(ctx, nil)
		}},
		{"safe to repeat", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "retried").Set(ctx, 1)
		}},
		{"a signal", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "retried").Signal(ctx, make(chan struct{}))
		}},
		{"options", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "retried").Options(ctx, func(*nasty.Put) {})
		}},
		{"arguments without a reader", 3, func(t *testing.T, r *record.Recorder) error {
			_, err := resolve[nasty.Consumes](t, r, "retried").Args(ctx, "INSERT", 1, "x", []byte{1}, nil)
			return err
		}},
		{"a channel to send to", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Consumes](t, r, "retried").Fill(ctx, nil)
		}},
		{"skip", 1, func(t *testing.T, r *record.Recorder) error {
			_, err := resolve[nasty.Plain](t, r, "retried").Skip(ctx)
			return err
		}},
		{"skip, but a policy is chosen for it", 3, func(t *testing.T, r *record.Recorder) error {
			_, err := resolve[nasty.Plain](t, r, "none", container.Method("Skip", "retried")).Skip(ctx)
			return err
		}},
		{"Close", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Plain](t, r, "retried").Close()
		}},
		{"Stop with a context", 1, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Plain](t, r, "retried").Stop(ctx)
		}},
		{"Close, but a policy is chosen for it", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Plain](t, r, "retried", container.Method("Close", "retry")).Close()
		}},
		{"generic", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Repo[string, nasty.User]](t, r, "retried").Put(ctx, "", nasty.User{})
		}},
		{"embedded", 3, func(t *testing.T, r *record.Recorder) error {
			return resolve[nasty.Embedded](t, r, "retried").Ping(ctx)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &record.Recorder{}
				n, err := attempts(r, func() error { return c.call(t, r) })
				if n != c.want {
					t.Errorf("%d attempts, want %d", n, c.want)
				}
				if !errors.Is(err, errDown) {
					t.Errorf("%v, want the target's error in it", err)
				}
				if c.want == 1 && errors.Is(err, policy.ErrRetriesExhausted) {
					t.Errorf("%v: nothing was retried", err)
				}
			})
		})
	}
}

// TestTheFirstContextIsReplaced: the target sees the deadline of the policy on
// the first context, wherever it stands, and the others as they are.
func TestTheFirstContextIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record.Recorder{}
		a := context.WithValue(t.Context(), key{}, "a")
		b := context.WithValue(t.Context(), key{}, "b")
		contexts := resolve[nasty.Contexts](t, r, "retried")

		_, _ = contexts.Two(a, b)
		replaced(t, r.Args[0], "a")
		if r.Args[1] != any(b) {
			t.Error("the second context is not the caller's")
		}
		_ = contexts.Second(1, a)
		replaced(t, r.Args[1], "a")
		_ = contexts.Alias(a)
		replaced(t, r.Args[0], "a")

		header := http.Header{"X": {"1"}}
		req := (&http.Request{Header: header}).WithContext(a)
		_, _ = contexts.Request(req) //nolint:bodyclose // there is none
		got := r.Args[0].(*http.Request)
		replaced(t, got.Context(), "a")
		if got.Header.Get("X") != "1" || req.Context() != a {
			t.Error("the request is not a copy with another context")
		}
	})
}

func replaced(t *testing.T, arg any, value string) {
	t.Helper()
	ctx := arg.(context.Context)
	if _, ok := ctx.Deadline(); !ok {
		t.Error("the context has no deadline")
	}
	if ctx.Value(key{}) != value {
		t.Errorf("the context has the value %v, want %v", ctx.Value(key{}), value)
	}
}

// TestAContextOfItsOwnTypeIsSeen: it can't be replaced, but the caller's
// cancellation is not taken for a failure of the dependency.
func TestAContextOfItsOwnTypeIsSeen(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &record.Recorder{}
	err := resolve[nasty.Contexts](t, r, "retried").Own(ctx)
	if !errors.Is(err, policy.ErrCancelled) || r.Method != "" {
		t.Errorf("%v after %q, want a cancellation before the target is reached", err, r.Method)
	}
}

// TestUnwrap reaches what the target can do beyond the interface.
func TestUnwrap(t *testing.T) {
	r := &record.Recorder{}
	plain := resolve[nasty.Plain](t, r, "retried")
	unwrapper, ok := plain.(interface{ Unwrap() nasty.Plain })
	if !ok {
		t.Fatalf("%T has no Unwrap", plain)
	}
	if unwrapper.Unwrap() != nasty.Fakes(r)[reflect.TypeFor[nasty.Plain]()] {
		t.Error("Unwrap returns something else than the target")
	}

	// Where the interface has a method of this name, it is the target's.
	r.Fill = func(results []any) { *results[0].(*error) = errDown }
	if err := resolve[nasty.Holder](t, r, "none").Unwrap(); !errors.Is(err, errDown) {
		t.Errorf("the interface's own Unwrap returns %v", err)
	}
}

// TestProxiesAllocateNothing: what allocates is the policy, and a retry, like
// none at all, does not.
func TestProxiesAllocateNothing(t *testing.T) {
	ctx := context.Background()
	for _, policyName := range []string{"none", "retry"} {
		c, err := container.New(retried)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Provide(container.Tag(func() nasty.Repo[string, nasty.User] { return quiet{} }, policyName)); err != nil {
			t.Fatal(err)
		}
		if err := c.Invoke(func(repo nasty.Repo[string, nasty.User]) {
			if n := testing.AllocsPerRun(100, func() { _ = repo.Put(ctx, "key", nasty.User{}) }); n != 0 {
				t.Errorf("policy %s: %v allocations a call, want none", policyName, n)
			}
			if n := testing.AllocsPerRun(100, func() { _, _ = repo.Get(ctx, "key") }); n != 0 {
				t.Errorf("policy %s: %v allocations a call with two results, want none", policyName, n)
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// quiet does nothing, and allocates nothing.
type quiet struct {
	nasty.Repo[string, nasty.User]
}

func (quiet) Put(context.Context, string, nasty.User) error   { return nil }
func (quiet) Get(context.Context, string) (nasty.User, error) { return nasty.User{}, nil }
