package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/internal/printable"
)

const (
	// maxBody is how much of an answer is read: more than a thousand services take.
	maxBody = 16 << 20
	// patience is how long an answer may take.
	patience = 10 * time.Second
)

// Client asks a console for what there is.
type Client struct {
	base *url.URL
	http *http.Client
}

// NewClient returns a client of the console at an address: http://host:port/clad/. One
// without a scheme is taken to be http.
func NewClient(address string) (*Client, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	base, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q is no address of a console: write one like http://localhost:8080/clad/", printable.Text(address))
	case base.Scheme != "http" && base.Scheme != "https":
		return nil, fmt.Errorf("%q: the address of a console begins with http:// or https://", printable.Text(address))
	case base.Host == "":
		return nil, fmt.Errorf("%q has no host: write an address like http://localhost:8080/clad/", printable.Text(address))
	}
	base.RawQuery, base.Fragment = "", ""
	return &Client{base, &http.Client{Timeout: patience, CheckRedirect: sameHost}}, nil
}

// sameHost follows the console to its slash, and nowhere else.
func sameHost(r *http.Request, before []*http.Request) error {
	if len(before) > 3 || r.URL.Host != before[0].URL.Host || r.URL.Scheme != before[0].URL.Scheme {
		return fmt.Errorf("it leads to %s, which is not followed", printable.Text(r.URL.Redacted()))
	}
	return nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Address is what is asked, without a password.
func (c *Client) Address() string { return printable.Text(c.base.Redacted()) }

// State asks for what there is now, and returns the JSON too.
func (c *Client) State(ctx context.Context) (*console.State, []byte, error) {
	state, body, err := c.state(ctx)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err // its address is known
		}
		return nil, nil, printable.Error(fmt.Errorf("the console at %s: %w", c.Address(), err))
	}
	return state, body, nil
}

func (c *Client) state(ctx context.Context) (*console.State, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.JoinPath("api", "state").String(), nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept", "application/json")
	res, err := c.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, nil, err
	case res.StatusCode != http.StatusOK:
		return nil, nil, fmt.Errorf("it answers %s%s", res.Status, excerpt(body))
	case len(body) > maxBody:
		return nil, nil, fmt.Errorf("its answer is larger than %d MiB", maxBody>>20)
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "application/json" {
		return nil, nil, fmt.Errorf("it answers with %q and no JSON: is that where console.Handler is mounted?", kind)
	}
	var state console.State
	if err := json.Unmarshal(body, &state); err != nil {
		return nil, nil, fmt.Errorf("its JSON is not that of a console: %w", err)
	}
	if state.At.IsZero() {
		return nil, nil, errors.New("its JSON is not that of a console")
	}
	return &state, bytes.TrimSpace(body), nil
}

// excerpt is the beginning of what an answer says that is no state.
func excerpt(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if line == "" || strings.HasPrefix(line, "<") {
		return ""
	}
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "..."
	}
	return ": " + line
}
