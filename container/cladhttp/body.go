package cladhttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// maxBuffered is how much of a failed response is read so that its connection
// can be used again. What is longer costs a new connection.
const maxBuffered = 64 << 10

// buffer reads the body of a response into memory, if it is not too long, and
// closes it. It reports whether it did; either way resp.Body reads as before.
func buffer(resp *http.Response) bool {
	if resp.Body == nil || resp.Body == http.NoBody {
		return true
	}
	if resp.ContentLength > maxBuffered {
		return false
	}
	read, err := io.ReadAll(io.LimitReader(resp.Body, maxBuffered))
	switch {
	case err != nil:
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(read), brokenReader{err}))
		return true
	case len(read) == maxBuffered:
		resp.Body = &prefixed{io.MultiReader(bytes.NewReader(read), resp.Body), resp.Body}
		return false
	}
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(read))
	return true
}

type prefixed struct {
	io.Reader
	io.Closer
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// tie makes release be called when nobody reads body any more, perhaps several
// times. The body of an upgraded connection can still be written to.
func tie(body io.ReadCloser, release func()) io.ReadCloser {
	if duplex, ok := body.(io.ReadWriteCloser); ok {
		return &duplexBody{duplex, release}
	}
	return &readBody{body, release}
}

// readBody is done at its end as well as at its Close: many read to the end and
// leave it at that.
type readBody struct {
	io.ReadCloser
	release func()
}

func (b *readBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.release()
	}
	return n, err
}

func (b *readBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

// duplexBody is done at its Close only: when all is read, there may be more to
// write.
type duplexBody struct {
	io.ReadWriteCloser
	release func()
}

func (b *duplexBody) Close() error {
	defer b.release()
	return b.ReadWriteCloser.Close()
}

// CloseWrite is what a reverse proxy half-closes upgraded connections with.
func (b *duplexBody) CloseWrite() error {
	if c, ok := b.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.Join(errors.New("cladhttp: CloseWrite"), http.ErrNotSupported)
}
