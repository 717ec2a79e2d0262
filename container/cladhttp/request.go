package cladhttp

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// request makes the request for an attempt: the caller's own stays as it is, and
// so does what another attempt is made from.
func (x *exchange) request(ctx context.Context) (*http.Request, error) {
	req, watch, values := &x.first.request, &x.first.upload, &x.first.values
	if x.attempts == 0 {
		*req = *x.req.WithContext(ctx)
	} else { // the first may still be in use
		req, watch, values = x.req.WithContext(ctx), &upload{}, &headerValues{}
	}
	req.Cancel = nil                                                        //nolint:staticcheck // its end is that of ctx
	tells := (x.hints != hints{} || x.key.value != "") && req.Header != nil // else the transport says so
	if _, reads := x.Unwrap().(*http.Transport); !reads {
		// Others may change what they are given, though they should not.
		req.Header = x.req.Header.Clone()
		if x.req.URL != nil {
			u := *x.req.URL
			req.URL = &u
		}
	} else if tells {
		req.Header = maps.Clone(req.Header) // the values are shared, and not written to
	}
	if tells {
		x.hints.write(req, x.key, values)
	}
	x.sent, x.upload = req, nil
	if !hasBody(x.req) {
		return req, nil
	}
	if x.attempts > 0 {
		body, err := x.req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("cladhttp: the request's body cannot be sent again: GetBody: %w; the attempt before: %w", err, x.last)
		}
		req.Body = body
	}
	if mayFail(req) {
		watch.ReadCloser, watch.length = req.Body, req.ContentLength
		req.Body, x.upload = watch, watch
	}
	return req, nil
}

// returnRequest gives a response the request that the caller knows, with a context
// that lives on.
func (x *exchange) returnRequest(ctx context.Context, resp *http.Response) {
	switch {
	case resp.Request == x.sent:
		resp.Request = x.req
	case resp.Request != nil && ctx != x.req.Context(): // one that was made below
		resp.Request = resp.Request.WithContext(x.req.Context())
	}
}

// cancellable returns the context of a request, which ends with its deprecated
// Cancel as well. stop ends what that takes; it is nil where nothing does.
func cancellable(req *http.Request) (ctx context.Context, stop func()) {
	cancelled := req.Cancel //nolint:staticcheck // http.Client.Timeout sets it
	if cancelled == nil {
		return req.Context(), nil
	}
	ctx, stop = context.WithCancel(req.Context())
	go awaitCancel(ctx, stop, cancelled)
	return ctx, stop
}

func awaitCancel(ctx context.Context, cancel func(), cancelled <-chan struct{}) {
	select {
	case <-cancelled:
		if at, ok := ctx.Deadline(); ok && !time.Now().Before(at) {
			return // http.Client.Timeout, which has set the deadline as well
		}
		cancel()
	case <-ctx.Done():
	}
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
