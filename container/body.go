package container

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// Body makes a body that an attempt returned part of the operation: it ends, and
// is judged, when all is read, when reading first fails, or when the body is
// closed. Until then the attempt's context lives, and the policy's timeouts are in
// force. What rc can do as an io.Writer and io.WriterTo, the result can too. Body
// is called after an attempt that succeeded, before Next. A nil rc stays nil.
func (c *Call) Body(rc io.ReadCloser) io.ReadCloser {
	if rc == nil || rc == http.NoBody || c.prog == nil {
		return rc
	}
	b := &pendingBody{ReadCloser: rc, since: clock.Now()}
	c.Defer(&b.pending)
	w, writes := rc.(io.Writer) // the body of an upgraded connection
	to, writesTo := rc.(io.WriterTo)
	switch {
	case writes && writesTo:
		return struct {
			*pendingBody
			io.Writer
			io.WriterTo
		}{b, w, bodyWriterTo{b, to}}
	case writes:
		return struct {
			*pendingBody
			io.Writer
		}{b, w}
	case writesTo:
		return struct {
			*pendingBody
			io.WriterTo
		}{b, bodyWriterTo{b, to}}
	}
	return b
}

// pendingBody is a body whose end is the operation's.
type pendingBody struct {
	io.ReadCloser
	pending Pending
	since   clock.Nanos   // when the body was there
	waited  time.Duration // for it, since then
	reading atomic.Bool
	closed  atomic.Bool
	ended   error // what reading ended with, and ends with again
}

func (b *pendingBody) Read(p []byte) (n int, err error) {
	b.wait(func() error { n, err = b.ReadCloser.Read(p); return err }, io.EOF)
	if err != nil && b.ended != nil {
		err = b.ended
	}
	return n, err
}

// wait reads, and ends the operation with an error; done is the one that says that
// all went well. Where that is nil, an error may be that of the one who is written
// to, and says nothing of the dependency.
func (b *pendingBody) wait(read func() error, done error) {
	start := clock.Now()
	b.reading.Store(true)
	err := read()
	b.reading.Store(false)
	b.waited += clock.Now().Sub(start)
	switch {
	case b.closed.Load() || b.ended != nil || err == nil && done != nil:
	case err == done: //nolint:errorlint // as io.Reader has it
		_ = b.pending.Finish(nil, policy.Unknown)
	case b.left() || done == nil:
		b.ended = b.pending.Leave(err)
	default:
		b.ended = b.pending.Finish(err, policy.Unknown)
	}
}

// left reports whether its reader was away for longer than it waited, so that what
// ended meanwhile says nothing of the dependency.
func (b *pendingBody) left() bool {
	away := clock.Now().Sub(b.since) - b.waited
	return away > b.waited && away > longAway
}

// longAway is less than the time that servers give those who do not read.
const longAway = time.Second

// Close before the end says that nobody wants the rest, which is no failure. Where
// somebody was waiting for it just then, it tells nothing.
func (b *pendingBody) Close() error {
	reading := b.reading.Load()
	b.closed.Store(true)
	err := b.ReadCloser.Close()
	if reading {
		_ = b.pending.Leave(nil)
	} else {
		_ = b.pending.Finish(nil, policy.Unknown)
	}
	return err
}

// bodyWriterTo is the io.WriterTo of a body.
type bodyWriterTo struct {
	b  *pendingBody
	to io.WriterTo
}

func (w bodyWriterTo) WriteTo(dst io.Writer) (n int64, err error) {
	w.b.wait(func() error { n, err = w.to.WriteTo(dst); return err }, nil)
	if err != nil && w.b.ended != nil {
		err = w.b.ended
	}
	return n, err
}
