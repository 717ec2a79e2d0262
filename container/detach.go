package container

import "io"

// TieReadCloser returns rc with release tied to its Close: the context that an
// attempt handed over with [Call.Detach] ends when what needs it is closed.
// Generated proxies use it for response bodies and the like. What rc can do as
// an io.Writer and io.WriterTo, the result can too. A nil rc releases at once; a
// nil release returns rc itself.
func TieReadCloser(rc io.ReadCloser, release func()) io.ReadCloser {
	if release == nil {
		return rc
	}
	if rc == nil {
		release()
		return nil
	}
	tied := &tiedReadCloser{rc, release}
	w, writes := rc.(io.Writer) // the body of an upgraded connection
	to, writesTo := rc.(io.WriterTo)
	switch {
	case writes && writesTo:
		return struct {
			*tiedReadCloser
			io.Writer
			io.WriterTo
		}{tied, w, to}
	case writes:
		return struct {
			*tiedReadCloser
			io.Writer
		}{tied, w}
	case writesTo:
		return struct {
			*tiedReadCloser
			io.WriterTo
		}{tied, to}
	}
	return tied
}

type tiedReadCloser struct {
	io.ReadCloser
	release func()
}

func (t *tiedReadCloser) Close() error {
	defer t.release()
	return t.ReadCloser.Close()
}
