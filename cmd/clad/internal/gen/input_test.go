package gen_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/nasty"
	"github.com/cladgo/clad/cmd/clad/internal/gen/testdata/record"
	"github.com/cladgo/clad/policy"
)

// TestInputIsNotSentAgainEmpty: what the first attempt had read was given, empty,
// to the next one, which succeeded: an upload with nothing in it.
func TestInputIsNotSentAgainEmpty(t *testing.T) {
	ctx := context.Background()
	const text = "text"
	seeks := func() io.Reader { return strings.NewReader(text) }
	buffer := func() *bytes.Buffer { return bytes.NewBufferString(text) }
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	whole := []string{text, text, text}
	for _, c := range []struct {
		name string
		call func(c nasty.Consumes) error
		read func(args []any) io.Reader
		want []string
	}{
		{"a reader that can seek", func(c nasty.Consumes) error { return c.Upload(ctx, "", seeks()) }, second, whole},
		{"one that can't", func(c nasty.Consumes) error { return c.Upload(ctx, "", buffer()) }, second, whole[:1]},
		{"a buffer", func(c nasty.Consumes) error { return c.Buffer(ctx, buffer()) }, first, whole[:1]},
		{"a file", func(c nasty.Consumes) error {
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			return c.OpenFile(ctx, f)
		}, first, whole},
		{"a field that can seek", func(c nasty.Consumes) error { return c.Put(ctx, &nasty.Put{Body: seeks()}) }, putBody, whole},
		{"a field that can't", func(c nasty.Consumes) error { return c.Put(ctx, &nasty.Put{Body: buffer()}) }, putBody, whole[:1]},
		{"a field by value", func(c nasty.Consumes) error {
			in := nasty.Put{}
			in.Tag.Text.WriteString(text)
			return c.Put(ctx, &in)
		}, func(args []any) io.Reader { return &args[0].(*nasty.Put).Tag.Text }, whole[:1]},
		{"a nested field", func(c nasty.Consumes) error {
			return c.Put(ctx, &nasty.Put{More: &nasty.Put{More: &nasty.Put{Body: seeks()}}})
		}, func(args []any) io.Reader { return args[0].(*nasty.Put).More.More.Body }, whole[:1]},
		{"no field", func(c nasty.Consumes) error { return c.Put(ctx, &nasty.Put{More: &nasty.Put{}}) }, nothing, []string{"", "", ""}},
		{"nil", func(c nasty.Consumes) error { return c.Put(ctx, nil) }, nothing, []string{"", "", ""}},
		{"a struct", func(c nasty.Consumes) error { return c.PutValue(ctx, nasty.Put{Body: seeks()}) },
			func(args []any) io.Reader { return args[0].(nasty.Put).Body }, whole},
		{"a field that can't be seen", func(c nasty.Consumes) error { return c.PutHidden(ctx, nasty.Hide(seeks())) }, nothing, []string{""}},
		{"a list", func(c nasty.Consumes) error { return c.PutAll(ctx, []nasty.Put{{}, {Body: buffer()}}) },
			func(args []any) io.Reader { return args[0].([]nasty.Put)[1].Body }, whole[:1]},
		{"a variadic", func(c nasty.Consumes) error { return c.Parts(ctx, buffer()) },
			func(args []any) io.Reader { return args[0].([]io.Reader)[0] }, whole[:1]},
		{"any", func(c nasty.Consumes) error { return c.Body(ctx, buffer()) }, first, whole[:1]},
		{"any that holds none", func(c nasty.Consumes) error { return c.Body(ctx, "text") }, nothing, []string{"", "", ""}},
		{"an argument", func(c nasty.Consumes) error { _, err := c.Args(ctx, "", 1, buffer()); return err },
			func(args []any) io.Reader { return args[1].([]any)[1].(io.Reader) }, whole[:1]},
		{"a sequence", func(c nasty.Consumes) error { return c.Seq(ctx, slices.Values([]int{1})) }, nothing, []string{""}},
		{"a function to pull from", func(c nasty.Consumes) error {
			next, stop := iter.Pull(slices.Values([]int{1}))
			defer stop()
			return c.Pull(ctx, next)
		}, nothing, []string{""}},
		{"rows", func(c nasty.Consumes) error { _, err := c.Rows(ctx, nil); return err }, nothing, []string{""}},
		{"a callback", func(c nasty.Consumes) error { return c.Each(ctx, nil) }, nothing, []string{""}},
		{"one that may begin anew", func(c nasty.Consumes) error { return c.Transact(ctx, nil) }, nothing, []string{"", "", ""}},
		{"a function that opens it", func(c nasty.Consumes) error {
			return c.Get(ctx, func() (io.ReadCloser, error) { return io.NopCloser(seeks()), nil })
		}, func(args []any) io.Reader { r, _ := args[0].(func() (io.ReadCloser, error))(); return r }, whole},
		{"a request", func(c nasty.Consumes) error {
			req, err := http.NewRequest(http.MethodPut, "http://localhost", io.NopCloser(seeks()))
			if err != nil {
				return err
			}
			_, err = c.Do(req) //nolint:bodyclose // there is none
			return err
		}, func(args []any) io.Reader { return args[0].(*http.Request).Body }, whole[:1]},
	} {
		for _, policyName := range []string{"retried", "chosen"} {
			t.Run(c.name+"/"+policyName, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := &record.Recorder{}
					var seen []string
					consumes := resolve[nasty.Consumes](t, r, policyName)
					r.Fill = func(results []any) {
						args := r.Args
						if len(args) > 1 {
							if _, ok := args[0].(context.Context); ok {
								args = args[1:]
							}
						}
						seen = append(seen, text0(c.read(args)))
						*results[len(results)-1].(*error) = errDown
					}
					if err := c.call(consumes); !errors.Is(err, errDown) {
						t.Error(err)
					}
					if !slices.Equal(seen, c.want) {
						t.Errorf("the attempts read %q, want %q", seen, c.want)
					}
				})
			})
		}
	}
}

// TestNothingIsRepeatedWithinATransaction: a statement that met a deadlock was
// repeated in the transaction that MySQL had undone, where it was carried out alone
// and for good.
func TestNothingIsRepeatedWithinATransaction(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		call func(c nasty.Consumes) error
		want int
	}{
		{"a transaction", func(c nasty.Consumes) error { return c.Within(ctx, &sql.Tx{}, "") }, 1},
		{"none", func(c nasty.Consumes) error { return c.Within(ctx, nil, "") }, 3},
		{"a handle that is one", func(c nasty.Consumes) error { _, err := c.ByHandle(ctx, &sql.Tx{}); return err }, 1},
		{"a handle that is a database", func(c nasty.Consumes) error { _, err := c.ByHandle(ctx, &sql.DB{}); return err }, 3},
		{"queries in one", func(c nasty.Consumes) error { return c.ByQueries(ctx, nasty.NewQueries(&sql.Tx{})) }, 1},
		{"queries of a database", func(c nasty.Consumes) error { return c.ByQueries(ctx, nasty.NewQueries(&sql.DB{})) }, 3},
		{"in a field, of a method that is safe", func(c nasty.Consumes) error {
			return c.WithTx(ctx, struct{ Tx nasty.Transaction }{transaction{}})
		}, 1},
		{"none in a field", func(c nasty.Consumes) error { return c.WithTx(ctx, struct{ Tx nasty.Transaction }{}) }, 3},
	} {
		for _, policyName := range []string{"retried", "chosen"} {
			t.Run(c.name+"/"+policyName, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := &record.Recorder{}
					attempts := 0
					consumes := resolve[nasty.Consumes](t, r, policyName)
					r.Fill = func(results []any) {
						attempts++
						*results[len(results)-1].(*error) = errDown
					}
					if err := c.call(consumes); !errors.Is(err, errDown) {
						t.Error(err)
					}
					if attempts != c.want {
						t.Errorf("%d attempts, want %d", attempts, c.want)
					}
				})
			})
		}
	}
}

type transaction struct{}

func (transaction) Commit(context.Context) error   { return nil }
func (transaction) Rollback(context.Context) error { return nil }

func first(args []any) io.Reader   { return args[0].(io.Reader) }
func second(args []any) io.Reader  { return args[1].(io.Reader) }
func putBody(args []any) io.Reader { return args[0].(*nasty.Put).Body }
func nothing([]any) io.Reader      { return strings.NewReader("") }

func text0(r io.Reader) string {
	text, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// TestARequestThatIsSentAgainHasItsBody: a profile that chooses a policy for a
// method with a request lifts the once, and the body must be there again.
func TestARequestThatIsSentAgainHasItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &record.Recorder{}
		var seen []string
		r.Fill = func(results []any) {
			seen = append(seen, text0(r.Args[0].(*http.Request).Body))
			*results[1].(*error) = errDown
		}
		req, err := http.NewRequest(http.MethodPut, "http://localhost", strings.NewReader("text"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = resolve[nasty.Consumes](t, r, "chosen").Do(req) //nolint:bodyclose // there is none
		if !errors.Is(err, policy.ErrRetriesExhausted) || !slices.Equal(seen, []string{"text", "text", "text"}) {
			t.Errorf("%v after attempts that read %q", err, seen)
		}
	})
}

// TestInputThatCanSeekAllocatesNothing: the success path of an upload pays for
// asking where it begins, no more.
func TestInputThatCanSeekAllocatesNothing(t *testing.T) {
	r := strings.NewReader("text")
	in := &nasty.Put{Body: r}
	c := wrapped[nasty.Consumes](t, noConsumes{}, "retry")
	if n := testing.AllocsPerRun(100, func() {
		_ = c.Upload(t.Context(), "", r)
		_ = c.Put(t.Context(), in)
		_ = c.Body(t.Context(), r)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

type noConsumes struct{ nasty.Consumes }

func (noConsumes) Upload(context.Context, string, io.Reader) error { return nil }
func (noConsumes) Put(context.Context, *nasty.Put) error           { return nil }
func (noConsumes) Body(context.Context, any) error                 { return nil }
