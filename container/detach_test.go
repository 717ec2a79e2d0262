package container_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
)

var errClosed = errors.New("closed")

type body struct{ io.Reader }

func (body) Close() error { return errClosed }

type writableBody struct {
	body
	io.Writer
}

type writerToBody struct {
	body
	io.WriterTo
}

type bothBody struct {
	body
	io.Writer
	io.WriterTo
}

func TestTieReadCloserReleasesOnClose(t *testing.T) {
	var sink strings.Builder
	source := strings.NewReader("text")
	for _, c := range []struct {
		name             string
		rc               io.ReadCloser
		writes, writesTo bool
	}{
		{"plain", body{source}, false, false},
		{"writer", writableBody{body{source}, &sink}, true, false},
		{"writer to", writerToBody{body{source}, source}, false, true},
		{"both", bothBody{body{source}, &sink, source}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			released := 0
			source.Reset("text")
			tied := container.TieReadCloser(c.rc, func() { released++ })
			if _, ok := tied.(io.Writer); ok != c.writes {
				t.Errorf("io.Writer: %v, want %v", ok, c.writes)
			}
			if _, ok := tied.(io.WriterTo); ok != c.writesTo {
				t.Errorf("io.WriterTo: %v, want %v", ok, c.writesTo)
			}
			text, err := io.ReadAll(tied)
			if string(text) != "text" || err != nil {
				t.Errorf("read %q, %v", text, err)
			}
			if released != 0 {
				t.Error("released before Close")
			}
			if err := tied.Close(); !errors.Is(err, errClosed) {
				t.Errorf("Close: %v, want the one of the body", err)
			}
			if released != 1 {
				t.Errorf("released %d times", released)
			}
		})
	}
}

func TestTieReadCloserWithNothingToTie(t *testing.T) {
	released := false
	if rc := container.TieReadCloser(nil, func() { released = true }); rc != nil || !released {
		t.Errorf("no body: %v, released %v", rc, released)
	}
	rc := body{strings.NewReader("")}
	if tied := container.TieReadCloser(rc, nil); tied != io.ReadCloser(rc) {
		t.Errorf("no release: %v, want the body itself", tied)
	}
}
