package adapters

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/cladgo/clad/container/cladhttp"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/hashicorp/go-retryablehttp"
)

// atOnce is a transport that answers without a network.
type atOnce struct{}

func (atOnce) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: &answer{}, ContentLength: int64(len(text)), Request: req,
	}, nil
}

const text = "as good as it gets"

var header = http.Header{"Content-Type": {"text/plain"}}

type answer struct{ read int }

func (a *answer) Read(p []byte) (int, error) {
	n := copy(p, text[a.read:])
	a.read += n
	if a.read == len(text) {
		return n, io.EOF
	}
	return n, nil
}

func (*answer) Close() error { return nil }

const url = "http://shop.test/orders/1"

func httpCases() []Case {
	open := func(t http.RoundTripper) func() (*opened, error) {
		return func() (*opened, error) { return getting(url, (&http.Client{Transport: t}).Do), nil }
	}
	return append(bare("http-get", open(atOnce{})),
		Case{Row: "http-get", System: "clad", Form: "cladhttp", open: func() (*opened, error) {
			o, r, err := runner("http")
			if err != nil {
				return nil, err
			}
			made, err := open(cladhttp.New(atOnce{}, r))()
			if err == nil {
				made.protected = books(o, "http")
			}
			return made, err
		}},
		Case{Row: "http-get", System: "failsafehttp", open: func() (*opened, error) {
			retry := failsafehttp.NewRetryPolicyBuilder().WithMaxAttempts(attempts).Build()               //nolint:bodyclose // no response yet
			breaker := circuitbreaker.NewBuilder[*http.Response]().WithFailureThreshold(failures).Build() //nolint:bodyclose // likewise
			limit := timeout.New[*http.Response](bound)                                                   //nolint:bodyclose // likewise
			return open(failsafehttp.NewRoundTripper(atOnce{}, retry, breaker, limit))()
		}},
		Case{Row: "http-get", System: "go-retryablehttp", open: func() (*opened, error) {
			c := retryablehttp.NewClient()
			c.HTTPClient, c.Logger, c.RetryMax = &http.Client{Transport: atOnce{}, Timeout: bound}, nil, attempts-1
			return getting(url, c.StandardClient().Do), nil
		}},
	)
}

// getting asks for what a server has at a URL, and reads it.
func getting(from string, send func(*http.Request) (*http.Response, error)) *opened {
	buffer := make([]byte, 512)
	return &opened{call: func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return err
		}
		resp, err := send(req)
		if err != nil {
			return err
		}
		n, err := io.ReadFull(resp.Body, buffer)
		if n != len(text) {
			return fmt.Errorf("read %d bytes: %w", n, err)
		}
		return resp.Body.Close()
	}, close: func() error { return nil }}
}
