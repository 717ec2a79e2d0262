package container

import (
	"context"
	"io"
	"net/http"

	"github.com/cladgo/clad/internal/signature"
)

// Input is what the attempts of one call read from: bodies to upload, a request.
// An attempt that follows another begins to read where that one began; where that
// can't be had there is no other. It lives beside the [Call], is used by
// generated proxies, and belongs to the goroutine of the call:
//
//	call := pipeline.Begin(ctx)
//	defer call.End()
//	var input container.Input
//	input.Reads(body)
//	for input.Next(&call, &err) {
//		err = next.Upload(call.Context(), body)
//	}
type Input struct {
	first    mark
	more     []mark
	spent    bool // an attempt leaves nothing of it
	attempts int
}

// A mark is where an attempt begins to read.
type mark struct {
	seeker io.Seeker
	at     int64
}

// Reads notes an io.Reader that the attempts are given, before the first of them.
// One that is an io.Seeker is set back for each further attempt; with any other
// there is no further one, unless it is nil or empty.
func (in *Input) Reads(reader any) {
	if isEmpty(reader) || in.spent {
		return
	}
	seeker, ok := reader.(io.Seeker)
	if !ok {
		in.spent = true
		return
	}
	at, err := seeker.Seek(0, io.SeekCurrent)
	switch {
	case err != nil: // a pipe
		in.spent = true
	case in.first.seeker == nil:
		in.first = mark{seeker, at}
	default:
		in.more = append(in.more, mark{seeker, at})
	}
}

// Request returns req for the attempt at hand, in the attempt's context. A
// further attempt gets a body of its own from req.GetBody; without that, a
// request with a body is not attempted again.
func (in *Input) Request(ctx context.Context, req *http.Request) *http.Request {
	attempt := req.WithContext(ctx)
	switch {
	case req.Body == nil || req.Body == http.NoBody:
	case req.GetBody == nil:
		in.spent = true
	case in.attempts > 1:
		body, err := req.GetBody()
		if err != nil {
			body = failingBody{err}
		}
		attempt.Body = body
	}
	return attempt
}

// failingBody is one that could not be had again: sending it fails so.
type failingBody struct{ err error }

func (b failingBody) Read([]byte) (int, error) { return 0, b.err }
func (failingBody) Close() error               { return nil }

// Next is call.Next for attempts that read the input.
func (in *Input) Next(call *Call, err *error) bool {
	if in.attempts > 0 && *err != nil && !in.each(io.SeekCurrent) { // one that has been closed has no place
		call.Stop()
	}
	if !call.Next(err) {
		return false
	}
	// Set back only now: what the attempt before has left running, and its end
	// takes a moment, may have read until here.
	if in.attempts++; in.attempts > 1 && !in.each(io.SeekStart) {
		call.Stop() // the outcome is that of the attempt before
		return call.Next(err)
	}
	return true
}

// each seeks in all that is read: to where it was, or with io.SeekCurrent to
// where it is, and reports whether that can be done.
func (in *Input) each(whence int) bool {
	if in.spent {
		return false
	}
	if in.first.seeker != nil && !in.first.seek(whence) {
		return false
	}
	for _, m := range in.more {
		if !m.seek(whence) {
			return false
		}
	}
	return true
}

func (m mark) seek(whence int) bool {
	offset := m.at
	if whence == io.SeekCurrent {
		offset = 0
	}
	_, err := m.seeker.Seek(offset, whence)
	return err == nil
}

// isEmpty reports whether there is nothing to read in v before the first attempt.
func isEmpty(v any) bool {
	if signature.Nothing(v) {
		return true
	}
	sized, ok := v.(interface{ Len() int }) // bytes.Buffer and the like
	return ok && sized.Len() == 0
}

// ReadOnce reports whether values hold, at any depth, what an attempt uses up: an
// io.Reader, a cursor, a channel to receive from, an iterator; or a transaction
// (Commit, Rollback), which a failed attempt may have ended. Generated proxies ask
// after a failed attempt, where the types of parameters leave it open, and then
// make no other ([Call.Stop]). What is too large to look through counts as
// holding one.
func ReadOnce(values ...any) bool { return signature.Holds(values...) }
