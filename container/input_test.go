package container_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

var threeTimes = policy.Catalog{Policies: map[string]policy.Policy{"p": policy.Retry{MaxAttempts: 3, Backoff: policy.Fixed(0)}}}

// tagged returns v as it comes out of a tagged constructor.
func tagged[T any](t *testing.T, v T) (wrapped T) {
	t.Helper()
	c, err := container.New(threeTimes)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Provide(container.Tag(func() T { return v }, "p")); err != nil {
		t.Fatal(err)
	}
	if err := c.Invoke(func(v T) { wrapped = v }); err != nil {
		t.Fatal(err)
	}
	return wrapped
}

// readings passes arg to a tagged function that is always down, and returns
// what each attempt read.
func readings[T any](t *testing.T, arg T, read func(T) string) (seen []string) {
	t.Helper()
	f := tagged(t, func(_ context.Context, arg T) error {
		seen = append(seen, read(arg))
		return errDown
	})
	if err := f(t.Context(), arg); !errors.Is(err, errDown) {
		t.Errorf("got %v", err)
	}
	return seen
}

func wantRead(t *testing.T, seen []string, want ...string) {
	t.Helper()
	if !slices.Equal(seen, want) {
		t.Errorf("the attempts read %q, want %q", seen, want)
	}
}

func all(r io.Reader) string {
	text, err := io.ReadAll(r)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

type put struct {
	Name string
	Body io.Reader
	More *put
}

type hidden struct{ r io.Reader }

func (h hidden) read() string { return all(h.r) }

type rows struct{ left int }

func (r *rows) Next() bool { r.left--; return r.left >= 0 }

// A reader that the first attempt of a tagged function had read was given, empty,
// to the next, which succeeded with nothing in it.
func TestInputIsNotSentAgainEmpty(t *testing.T) {
	const text = "text"
	buffer := func() *bytes.Buffer { return bytes.NewBufferString(text) }
	open := func(name string) *os.File {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("a "+text), 0o600); err != nil {
		t.Fatal(err)
	}

	t.Run("what can seek is set back to where it began", func(t *testing.T) {
		wantRead(t, readings[io.Reader](t, strings.NewReader(text), all), text, text, text)
		half := strings.NewReader("a " + text)
		_, _ = half.Seek(2, io.SeekStart)
		wantRead(t, readings(t, half, func(r *strings.Reader) string { return all(r) }), text, text, text)
		file := open(name)
		_, _ = file.Seek(2, io.SeekStart)
		wantRead(t, readings(t, file, func(f *os.File) string { return all(f) }), text, text, text)
	})
	t.Run("what can't is read once", func(t *testing.T) {
		wantRead(t, readings[io.Reader](t, buffer(), all), text)
		wantRead(t, readings(t, buffer(), func(b *bytes.Buffer) string { return all(b) }), text)
		wantRead(t, readings(t, io.NopCloser(strings.NewReader(text)), func(r io.ReadCloser) string { return all(r) }), text)
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = read.Close() })
		_, _ = write.WriteString(text)
		_ = write.Close()
		wantRead(t, readings[io.Reader](t, read, all), text)
	})
	t.Run("a file that an attempt closes", func(t *testing.T) {
		wantRead(t, readings(t, open(name), func(f *os.File) string { defer f.Close(); return all(f) }), "a "+text)
	})
	t.Run("wherever it is", func(t *testing.T) {
		wantRead(t, readings(t, &put{Body: buffer()}, func(p *put) string { return all(p.Body) }), text)
		wantRead(t, readings(t, put{More: &put{Body: buffer()}}, func(p put) string { return all(p.More.Body) }), text)
		wantRead(t, readings(t, hidden{buffer()}, hidden.read), text)
		wantRead(t, readings(t, []io.Reader{nil, buffer()}, func(r []io.Reader) string { return all(r[1]) }), text)
		wantRead(t, readings(t, map[string]any{"body": buffer()}, func(m map[string]any) string { return all(m["body"].(io.Reader)) }), text)
		wantRead(t, readings[any](t, buffer(), func(v any) string { return all(v.(io.Reader)) }), text)
		wantRead(t, readings[any](t, []any{1, "x", put{Body: buffer()}}, func(v any) string { return all(v.([]any)[2].(put).Body) }), text)
	})
	t.Run("what is pulled or received", func(t *testing.T) {
		count := func(seq iter.Seq[int]) string { return string(rune('0' + len(slices.Collect(seq)))) }
		wantRead(t, readings(t, slices.Values([]int{1, 2}), count), "2")
		wantRead(t, readings[any](t, slices.Values([]int{1, 2}), func(v any) string { return count(v.(iter.Seq[int])) }), "2")
		left := 2
		wantRead(t, readings(t, func() (int, bool) { left--; return left, left >= 0 }, func(next func() (int, bool)) string {
			n := 0
			for _, ok := next(); ok; _, ok = next() {
				n++
			}
			return string(rune('0' + n))
		}), "2")
		wantRead(t, readings(t, &rows{left: 1}, func(r *rows) string { return string(rune('0' + r.left)) }), "1")
		c := make(chan string, 1)
		c <- text
		wantRead(t, readings(t, (<-chan string)(c), func(c <-chan string) string { return <-c }), text)
	})
	t.Run("a callback would hear everything again", func(t *testing.T) {
		var heard []string
		readings(t, func(item string) error { heard = append(heard, item); return nil }, func(f func(string) error) string {
			_ = f("item")
			return ""
		})
		wantRead(t, heard, "item")
	})
}

// A statement that met a deadlock was repeated in the transaction that MySQL had
// undone, where it was carried out alone and for good.
func TestNothingIsRepeatedWithinATransaction(t *testing.T) {
	type dbtx interface {
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}
	type queries struct{ db dbtx }
	type bunTx struct{ *sql.Tx }
	t.Run("one attempt", func(t *testing.T) {
		wantRead(t, readings(t, &sql.Tx{}, func(*sql.Tx) string { return "" }), "")
		wantRead(t, readings[dbtx](t, &sql.Tx{}, func(dbtx) string { return "" }), "")
		wantRead(t, readings(t, &queries{&sql.Tx{}}, func(*queries) string { return "" }), "")
		wantRead(t, readings(t, bunTx{&sql.Tx{}}, func(bunTx) string { return "" }), "")
		wantRead(t, readings(t, []any{"x", &sql.Tx{}}, func([]any) string { return "" }), "")
	})
	t.Run("as many as ever", func(t *testing.T) {
		wantRead(t, readings(t, (*sql.Tx)(nil), func(*sql.Tx) string { return "" }), "", "", "")
		wantRead(t, readings[dbtx](t, &sql.DB{}, func(dbtx) string { return "" }), "", "", "")
		wantRead(t, readings(t, &sql.DB{}, func(*sql.DB) string { return "" }), "", "", "")
		wantRead(t, readings(t, &queries{&sql.DB{}}, func(*queries) string { return "" }), "", "", "")
	})
}

func TestWhatHoldsNoInputIsAttemptedAgain(t *testing.T) {
	nothing := func(any) string { return "" }
	for name, arg := range map[string]any{
		"a number":           1,
		"a nil reader":       (*bytes.Buffer)(nil),
		"no body":            http.NoBody,
		"a struct":           &put{Name: "x"},
		"options":            []func(*put){func(*put) {}},
		"a signal":           make(chan struct{}),
		"many":               make([]any, 10_000),
		"bytes":              make([]byte, 10_000_000),
		"a list of a cursor": [][]*rows{nil, {nil}},
	} {
		t.Run(name, func(t *testing.T) { wantRead(t, readings(t, arg, nothing), "", "", "") })
	}
	wantRead(t, readings[io.Reader](t, &bytes.Buffer{}, all), "", "", "")
	opened := 0
	open := func() (io.ReadCloser, error) { opened++; return io.NopCloser(strings.NewReader("text")), nil }
	wantRead(t, readings(t, open, func(open func() (io.ReadCloser, error)) string {
		r, _ := open()
		return all(r)
	}), "text", "text", "text")
}

// What goes round in circles, or on for ever, must come to an end.
func TestLookingForInputEnds(t *testing.T) {
	round := &put{}
	round.More = round
	var self any
	self = &self
	if container.ReadOnce(round, self) {
		t.Error("there is nothing to read in it")
	}
	if !container.ReadOnce(make([]any, 1_000_000)) {
		t.Error("what is too large to look through counts as used up")
	}
}

// A request with a body is attempted again where its body can be had again.
func TestARequestIsSentWithItsWholeBodyOrOnce(t *testing.T) {
	for name, c := range map[string]struct {
		body io.Reader
		want []string
	}{
		"that can be had again": {strings.NewReader("text"), []string{"text", "text", "text"}},
		"that can't":            {io.MultiReader(strings.NewReader("text")), []string{"text"}},
		"none":                  {nil, []string{"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			p := pipelineOf(t)
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", c.body)
			if r, ok := c.body.(*strings.Reader); ok {
				req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("text")), r.UnreadByte() }
			}
			var err error
			call := p.Begin(t.Context())
			defer call.End()
			var input container.Input
			for input.Next(&call, &err) {
				got = append(got, all(input.Request(call.Context(), req).Body))
				err = errDown
			}
			wantRead(t, got, c.want...)
		})
	}
}

func pipelineOf(t *testing.T) *container.Pipeline {
	t.Helper()
	o, err := container.NewOrchestrator(threeTimes)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Pipeline("p")
	if err != nil {
		t.Fatal(err)
	}
	return r.(*container.Pipeline)
}

// seekable counts where it is set back to, and can be made to refuse.
type seekable struct {
	*strings.Reader
	fails bool
}

func (s *seekable) Seek(offset int64, whence int) (int64, error) {
	if s.fails && whence == io.SeekStart {
		return 0, errors.New("gone")
	}
	return s.Reader.Seek(offset, whence)
}

// The outcome is the dependency's error, not that of the reader.
func TestInputThatCannotBeSetBackEndsTheAttempts(t *testing.T) {
	wantRead(t, readings[io.Reader](t, &seekable{strings.NewReader("text"), true}, all), "text")
}

func TestSeveralInputsAreAllSetBack(t *testing.T) {
	var seen []string
	f := tagged(t, func(_ context.Context, a, b, c io.Reader) error {
		seen = append(seen, all(a)+all(b)+all(c))
		return errDown
	})
	_ = f(t.Context(), strings.NewReader("a"), strings.NewReader("b"), strings.NewReader("c"))
	wantRead(t, seen, "abc", "abc", "abc")
}
