package signature_test

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"iter"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/cladgo/clad/internal/signature"
)

type (
	object struct {
		Size int
		Body io.ReadCloser
	}
	output  struct{ c chan int }
	watcher interface {
		Stop()
		ResultChan() <-chan int
	}
	confirmation struct{}
	settings     struct{ OnChange func() }
	subscription struct {
		C      <-chan int
		Cancel func()
	}
)

func (o *output) GetStream() *stream           { return &stream{o.c} }
func (*confirmation) Done() <-chan struct{}    { return nil }
func (*confirmation) Value() *confirmation     { return nil }
func (*confirmation) Time() (n int, err error) { return 0, nil }

type stream struct{ c chan int }

func (s *stream) Events() <-chan int { return s.c }
func (s *stream) Close() error       { return nil }

func TestWhatOutlivesTheCall(t *testing.T) {
	for _, c := range []struct {
		f    any
		want signature.Life
	}{
		{func() error { return nil }, signature.Ends},
		{func() (int, error) { return 0, nil }, signature.Ends},
		{func() (*bytes.Buffer, error) { return nil, nil }, signature.Ends},
		{func() (*confirmation, error) { return nil, nil }, signature.Ends},
		{func() (sql.NullString, error) { return sql.NullString{}, nil }, signature.Ends},
		{func() (io.ReadCloser, error) { return nil, nil }, signature.Body},
		{func() (int, object, error) { return 0, object{}, nil }, signature.Body},
		{func() (*object, error) { return nil, nil }, signature.Body},
		{func() (*http.Response, error) { return nil, nil }, signature.Body},
		{func() (*http.Response, io.ReadCloser, error) { return nil, nil, nil }, signature.Opens},
		{func() (*sql.Rows, error) { return nil, nil }, signature.Cursor},
		{func() (settings, error) { return settings{}, nil }, signature.Cursor},
		{func() (*sql.Tx, error) { return nil, nil }, signature.Held},
		{func() (*sql.Conn, error) { return nil, nil }, signature.Held},
		{func() (<-chan int, error) { return nil, nil }, signature.Opens},
		{func() (iter.Seq[int], error) { return nil, nil }, signature.Opens},
		{func() (func(), error) { return nil, nil }, signature.Opens},
		{func() (context.Context, error) { return nil, nil }, signature.Opens},
		{func() (*output, error) { return nil, nil }, signature.Opens},
		{func() (watcher, error) { return nil, nil }, signature.Opens},
		{func() ([]io.ReadCloser, error) { return nil, nil }, signature.Opens},
		{func() (*subscription, error) { return nil, nil }, signature.Opens},
		{func() (map[string]*stream, error) { return nil, nil }, signature.Opens},
	} {
		if got := signature.LastingOf(reflect.TypeOf(c.f)); got.Life != c.want {
			t.Errorf("%T: %v, want %v", c.f, got.Life, c.want)
		}
	}
}

func TestWhichResultIsTheBody(t *testing.T) {
	got := signature.LastingOf(reflect.TypeOf(func() (int, *object, error) { return 0, nil, nil }))
	if want := (signature.Lasting{Life: signature.Body, Result: 1, Field: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	got = signature.LastingOf(reflect.TypeOf(func() (io.ReadCloser, error) { return nil, nil }))
	if want := (signature.Lasting{Life: signature.Body, Result: 0, Field: -1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Arguments are looked through where their types leave open what they hold.
func TestWhatAttemptsUseUp(t *testing.T) {
	f := func(context.Context, io.Reader, any, string, []any) error { return nil }
	in := signature.InputsOf(reflect.TypeOf(f))
	if len(in.Reads) != 1 || in.Reads[0] != 1 {
		t.Errorf("it reads %v", in.Reads)
	}
	args := func(body any, list ...any) []reflect.Value {
		return []reflect.Value{{}, {}, reflect.ValueOf(&body).Elem(), reflect.ValueOf("x"), reflect.ValueOf(list)}
	}
	if in.Spent(args(1, "x", nil)) {
		t.Error("there is nothing to use up")
	}
	if !in.Spent(args(strings.NewReader(""))) || !in.Spent(args(nil, 1, []any{&bytes.Buffer{}})) {
		t.Error("a reader was overlooked")
	}
	for _, f := range []any{
		func(context.Context, <-chan int) error { return nil },
		func(context.Context, iter.Seq2[int, error]) error { return nil },
		func(context.Context, func() (int, bool)) error { return nil },
		func(context.Context, func(int) error) error { return nil },
		func(context.Context, *sql.Rows) error { return nil },
	} {
		if !signature.InputsOf(reflect.TypeOf(f)).Spent(nil) {
			t.Errorf("%T uses up what it is given", f)
		}
	}
	for _, f := range []any{
		func(context.Context, <-chan struct{}, chan<- int) error { return nil },
		func(context.Context, func() (io.ReadCloser, error)) error { return nil },
		func(context.Context, map[string][]int, *http.Client) error { return nil },
	} {
		var args []reflect.Value
		for i := range reflect.TypeOf(f).NumIn() {
			args = append(args, reflect.New(reflect.TypeOf(f).In(i)).Elem())
		}
		if signature.InputsOf(reflect.TypeOf(f)).Spent(args) {
			t.Errorf("%T uses nothing up", f)
		}
	}
}
