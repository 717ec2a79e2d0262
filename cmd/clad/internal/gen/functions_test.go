package gen_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/functions"
	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// The same types by other names, which nobody generates anything for: the container
// wraps them by reflection.
type (
	sum      functions.Sum
	upload   functions.Upload
	download functions.Download
	bank     functions.Bank
)

var errBusy = errors.New("busy")

// underPolicy makes a value of T under a policy.
func underPolicy[T any](t *testing.T, value T) (wrapped T, o *container.Orchestrator) {
	t.Helper()
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{
		"p": policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(container.Tag(func() T { return value }, "p")); err != nil {
		t.Fatal(err)
	}
	if err := c.Invoke(func(v T) { wrapped = v }); err != nil {
		t.Fatal(err)
	}
	return wrapped, c.Orchestrator()
}

// What is generated for functions does what the container does without.
func TestFunctionsAreWrappedAsWithoutWhatIsGenerated(t *testing.T) {
	type outcome struct {
		calls, result int
		err           string
	}
	sums := func(call func(context.Context, string, ...int) (int, error), calls *int) outcome {
		n, err := call(nil, "x", 1, 2, 3) // a nil context has always been taken
		return outcome{*calls, n, text(err)}
	}
	var calls int
	add := func(ctx context.Context, _ string, numbers ...int) (n int, err error) {
		if calls++; calls < 2 || ctx == nil {
			return 0, errBusy
		}
		for _, number := range numbers {
			n += number
		}
		return n, nil
	}
	generated, _ := underPolicy(t, functions.Sum(add))
	got := sums(generated, &calls)
	calls = 0
	reflected, _ := underPolicy(t, sum(add))
	if want := sums(reflected, &calls); got != want || got != (outcome{2, 6, ""}) {
		t.Errorf("a variadic function: %+v, by reflection %+v", got, want)
	}

	uploads := func(call func(context.Context, io.Reader) error, body io.Reader) outcome {
		calls = 0
		err := call(t.Context(), body)
		return outcome{calls: calls, err: text(err)}
	}
	read := func(_ context.Context, body io.Reader) error {
		calls++
		if b, err := io.ReadAll(body); err != nil || len(b) != 3 {
			return policy.Permanent(errors.New("sent again empty"))
		}
		return errBusy
	}
	up, _ := underPolicy(t, functions.Upload(read))
	upReflected, _ := underPolicy(t, upload(read))
	for name, body := range map[string]func() io.Reader{
		"that can be read again": func() io.Reader { return strings.NewReader("abc") },
		"that can't":             func() io.Reader { return io.LimitReader(strings.NewReader("abc"), 3) },
	} {
		got, want := uploads(up, body()), uploads(upReflected, body())
		got.err, want.err = cause(got.err), cause(want.err)
		if got != want {
			t.Errorf("a reader %s: %+v, by reflection %+v", name, got, want)
		}
	}

	var ctx context.Context
	open := func(c context.Context, _ string) (io.ReadCloser, error) {
		ctx = c
		return io.NopCloser(strings.NewReader("abc")), nil
	}
	downloads := func(call func(context.Context, string) (io.ReadCloser, error), o *container.Orchestrator) (pending, ended uint64) {
		body, err := call(t.Context(), "name")
		if err != nil || ctx.Err() != nil {
			t.Fatal(err, ctx.Err())
		}
		pending = o.Metrics().SuccessfulOperations
		if _, err := io.ReadAll(body); err != nil {
			t.Fatal(err)
		}
		return pending, o.Metrics().SuccessfulOperations
	}
	down, o := underPolicy(t, functions.Download(open))
	downReflected, oReflected := underPolicy(t, download(open))
	pending, ended := downloads(down, o)
	wantPending, wantEnded := downloads(downReflected, oReflected)
	if pending != wantPending || ended != wantEnded || ended != 1 {
		t.Errorf("a body: %d successes before its end, %d after; by reflection %d, %d", pending, ended, wantPending, wantEnded)
	}
}

func TestStructsOfFunctionsAreWrappedAsWithoutWhatIsGenerated(t *testing.T) {
	calls := 0
	own := functions.Bank{
		Charge: func(context.Context, int) (string, error) {
			if calls++; calls < 3 {
				return "", errBusy
			}
			return "charged", nil
		},
		Name: func() string { return "bank" },
	}
	b := bank(own)
	generated, o := underPolicy(t, &own)
	reflected, oReflected := underPolicy(t, &b)
	for name, v := range map[string]*functions.Bank{"generated": generated, "reflected": (*functions.Bank)(reflected)} {
		calls = 0
		receipt, err := v.Charge(t.Context(), 12)
		if receipt != "charged" || err != nil || calls != 3 || v.Never != nil || v.Name() != "bank" || v == &own {
			t.Errorf("%s: %q, %v after %d calls; Never %v, Name %q", name, receipt, err, calls, v.Never != nil, v.Name())
		}
	}
	for operation, metrics := range map[string]policy.Metrics{"functions.Bank.Charge": o.Metrics(), "gen_test.bank.Charge": oReflected.Metrics()} {
		if metrics.Operations[operation].SuccessfulOperations != 1 {
			t.Errorf("%s: %+v", operation, metrics.Operations)
		}
	}
	if v, _ := underPolicy[*functions.Bank](t, nil); v != nil {
		t.Errorf("nil became %v", v)
	}
}

func TestFunctionsHaveFallbacks(t *testing.T) {
	fails := func(context.Context, int) (string, error) { return "", errBusy }
	stands := func(context.Context, int) (string, error) { return "fallback", nil }
	of := func(ctx context.Context, s string) (string, error) { return fails(ctx, 0) }
	c, err := container.New(policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Retry{MaxAttempts: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, ctor := range []any{
		container.Tag(func() *functions.Bank { return &functions.Bank{Charge: fails} }, "p",
			container.Fallback(func() *functions.Bank { return &functions.Bank{Charge: stands} })),
		container.Tag(func() functions.Of[string] { return of }, "p",
			container.Fallback(func() functions.Of[string] {
				return func(context.Context, string) (string, error) { return "fallback", nil }
			})),
	} {
		if err := c.Provide(ctor); err != nil {
			t.Fatal(err)
		}
	}
	err = c.Invoke(func(b *functions.Bank, f functions.Of[string]) {
		if got, err := b.Charge(t.Context(), 1); got != "fallback" || err != nil {
			t.Errorf("of a struct: %q, %v", got, err)
		}
		if got, err := f(t.Context(), ""); got != "fallback" || err != nil {
			t.Errorf("a function: %q, %v", got, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// cause leaves out how long it took, and who was asked.
func cause(text string) string { return text[strings.LastIndex(text, ": ")+1:] }
