package cladhttp

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/internal/clock"
	"github.com/cladgo/clad/policy"
)

// body is the body of a response. The operation ends with it: when all is read,
// when reading first fails, or when it is closed.
type body struct {
	io.ReadCloser
	pending container.Pending // nothing where the operation has ended before
	answer  error             // what a body that ends well counts as; nil for a success
	release func()            // called at the end, perhaps several times; may be nil
	of      *exchange         // nil where the operation has ended before

	since   clock.Nanos   // when the headers had come
	waited  time.Duration // for the server, since then
	reading atomic.Bool
	closed  atomic.Bool
	timeout error // what the reader was told, and is told again
}

func (b *body) begin(rc io.ReadCloser, answer error) {
	b.ReadCloser, b.answer, b.since = rc, answer, clock.Now()
}

func (b *body) Read(p []byte) (int, error) {
	start := clock.Now()
	b.reading.Store(true)
	n, err := b.ReadCloser.Read(p)
	b.reading.Store(false)
	b.waited += clock.Now().Sub(start)
	if err != nil && !b.closed.Load() {
		err = b.ended(err)
	}
	return n, err
}

// Close before the end says that nobody wants the rest, which is no failure. Where
// somebody was waiting for it just then, it says nothing of the server.
func (b *body) Close() error {
	reading := b.reading.Load()
	b.closed.Store(true)
	err := b.ReadCloser.Close()
	if reading {
		_ = b.pending.Leave(nil)
	} else {
		b.done()
	}
	b.letGo()
	return err
}

// ended returns what the reader is told: a timeout of the policy by its name, and
// all else as it is.
func (b *body) ended(err error) error {
	told := err
	switch {
	case err == io.EOF: //nolint:errorlint // as io.Reader has it
		b.done()
	case b.left(err), b.of != nil && b.of.losses.known(b.of.req.URL.Host, b.of.began, err):
		told = b.pending.Leave(err)
	default:
		told = b.pending.Finish(err, policy.Unknown)
	}
	b.letGo()
	if told != err && errors.Is(told, policy.ErrTimeout) { //nolint:errorlint // is it another?
		b.timeout = told
	}
	if b.timeout != nil {
		return b.timeout
	}
	return err
}

func (b *body) done() {
	if b.answer != nil {
		_ = b.pending.Finish(b.answer, policy.Answered)
		return
	}
	_ = b.pending.Finish(nil, policy.Unknown)
}

// left reports whether a body failed because its reader was away for too long: a
// client of a proxy that takes its time, for which the deadline passed, or the
// server lost its patience.
func (b *body) left(err error) bool {
	away := clock.Now().Sub(b.since) - b.waited
	return away > b.waited && (away > longAway || errors.Is(err, context.DeadlineExceeded))
}

// longAway is less than the time that servers give those who do not read.
const longAway = time.Second

func (b *body) letGo() {
	if b.release != nil {
		b.release()
	}
}
