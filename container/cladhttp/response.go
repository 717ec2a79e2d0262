package cladhttp

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// response notes what a handler answers, and is otherwise the ResponseWriter that
// it wraps.
type response struct {
	http.ResponseWriter
	status int   // 0 until there is one
	err    error // what WriteError was given
}

// noteError tells the response of Limit, if w is made of one, of an error.
func noteError(w http.ResponseWriter, err error) {
	for {
		switch inner := w.(type) {
		case interface{ note(error) }:
			inner.note(err)
			return
		case interface{ Unwrap() http.ResponseWriter }:
			w = inner.Unwrap()
		default:
			return
		}
	}
}

func (r *response) note(err error) { r.err = err }

// face returns the response as it shows itself to the handler: a Flusher and a
// Hijacker where the one below is, for those who ask for these by type.
func (r *response) face() http.ResponseWriter {
	_, flushes := r.ResponseWriter.(http.Flusher)
	_, hijacks := r.ResponseWriter.(http.Hijacker)
	switch {
	case flushes && hijacks:
		return struct {
			*response
			http.Flusher
			http.Hijacker
		}{r, flusher{r}, hijacker{r}}
	case flushes:
		return struct {
			*response
			http.Flusher
		}{r, flusher{r}}
	case hijacks:
		return struct {
			*response
			http.Hijacker
		}{r, hijacker{r}}
	}
	return r
}

// Unwrap is how http.ResponseController finds the rest.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *response) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols { // others announce
		r.begin(status)
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *response) Write(p []byte) (int, error) {
	r.begin(http.StatusOK)
	return r.ResponseWriter.Write(p)
}

// WriteString saves the copy where the writer below can.
func (r *response) WriteString(s string) (int, error) {
	r.begin(http.StatusOK)
	return io.WriteString(r.ResponseWriter, s)
}

// ReadFrom lets the operating system send files where the writer below can.
func (r *response) ReadFrom(src io.Reader) (int64, error) {
	r.begin(http.StatusOK)
	return io.Copy(r.ResponseWriter, src)
}

// FlushError is what http.ResponseController flushes with.
func (r *response) FlushError() error {
	err := http.NewResponseController(r.ResponseWriter).Flush()
	if !errors.Is(err, http.ErrNotSupported) {
		r.begin(http.StatusOK)
	}
	return err
}

func (r *response) begin(status int) {
	if r.status == 0 {
		r.status = status
	}
}

type flusher struct{ *response }

func (f flusher) Flush() { _ = f.FlushError() }

type hijacker struct{ *response }

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := h.ResponseWriter.(http.Hijacker).Hijack()
	if err == nil {
		h.begin(http.StatusSwitchingProtocols)
	}
	return conn, rw, err
}
