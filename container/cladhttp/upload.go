package cladhttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
)

// upload is the body of a request on its way out. It notes what of a failure is
// the doing of whoever the body comes from: a client that sends too much or too
// slowly, or goes away, says nothing of the server that it is passed on to.
type upload struct {
	io.ReadCloser
	length  int64 // as announced; not positive where it is not
	read    atomic.Int64
	misfits atomic.Bool // it has another length
	reading atomic.Bool
	stalled atomic.Bool // it was closed while more was being waited for
	closed  atomic.Bool
	failed  atomic.Pointer[error]
}

func (u *upload) Read(p []byte) (int, error) {
	u.reading.Store(true)
	n, err := u.ReadCloser.Read(p)
	u.reading.Store(false)
	read := u.read.Add(int64(n))
	if u.length > 0 && (read > u.length || read < u.length && err == io.EOF) {
		u.misfits.Store(true)
	}
	if err != nil && err != io.EOF {
		u.fail(err)
	}
	return n, err
}

func (u *upload) fail(err error) {
	if !u.closed.Load() { // else it is the reader who has stopped
		u.failed.CompareAndSwap(nil, &err)
	}
}

func (u *upload) Close() error {
	if u.reading.Load() {
		u.stalled.Store(true)
	}
	u.closed.Store(true)
	return u.ReadCloser.Close()
}

// brokeOff reports whether err is what the body itself failed with, or comes of its
// length, of which transports do not always tell. Of a nil upload nothing is known.
func (u *upload) brokeOff(err error) bool {
	if u == nil {
		return false
	}
	if u.misfits.Load() {
		return true
	}
	failed := u.failed.Load()
	return failed != nil && errors.Is(err, *failed)
}

// stopped reports whether the body failed, or kept its reader waiting until ctx ended.
func (u *upload) stopped(ctx context.Context) bool {
	return u.failed.Load() != nil || ctx.Err() != nil && u.waiting()
}

// waiting reports whether more of the body is being waited for, or was until it was
// closed.
func (u *upload) waiting() bool { return u != nil && (u.stalled.Load() || u.reading.Load()) }

// closeWith closes the body when ctx ends, until stop: net/http's transport does not
// hear of that while it waits for more.
func (u *upload) closeWith(ctx context.Context) (stop func() bool) {
	if u == nil || ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { _ = u.Close() })
}

// isFileError reports whether err is what reading a file failed with.
func isFileError(err error) bool {
	var file *fs.PathError
	return errors.As(err, &file)
}

// mayFail reports whether the body of a request may fail or keep its reader waiting.
// What cannot, and files, which the operating system may send by itself, are left
// as they are.
func mayFail(req *http.Request) bool {
	switch body := inMemory(req.Body).(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader:
		length := int64(body.(interface{ Len() int }).Len())
		return req.ContentLength > 0 && req.ContentLength != length
	case *os.File:
		return false
	}
	return true
}

// inMemory returns what http.NewRequest wraps, or body.
func inMemory(body io.ReadCloser) io.Reader {
	switch reflect.TypeOf(body) {
	case typeOfNopCloser, typeOfNopCloserWriterTo:
		r, _ := reflect.TypeAssert[io.Reader](reflect.ValueOf(body).Field(0))
		return r
	}
	return body
}

var (
	typeOfNopCloser         = reflect.TypeOf(io.NopCloser(io.MultiReader()))
	typeOfNopCloserWriterTo = reflect.TypeOf(io.NopCloser(strings.NewReader("")))
)
