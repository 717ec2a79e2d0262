// Package gateway talks to the acquiring bank over HTTP. It makes one attempt
// at everything and says precisely how that went; what to make of it is up to
// the policy that the client is wrapped in.
//
// That policy is around payments.Gateway. To wrap its *http.Client as well, by
// package cladhttp, would protect the bank twice: retries in retries, and two
// breakers that count the same failures. Where no interface is in between,
// cladhttp is the one to choose.
package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cladgo/clad/examples/app/payments"
	"github.com/cladgo/clad/policy"
)

// maxAnswer is the largest answer that is read.
const maxAnswer = 64 << 10

// Client is a payments.Gateway. It is safe for use by many goroutines.
type Client struct {
	base string
	http *http.Client
}

var _ payments.Gateway = (*Client)(nil)

// New returns a client of the bank at a URL. It has no timeout of its own: the
// context that it is called with does.
func New(bankURL string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Client{base: strings.TrimSuffix(bankURL, "/"), http: &http.Client{Transport: transport}}
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Charge takes money, once per key.
func (c *Client) Charge(ctx context.Context, req payments.ChargeRequest) (payments.Receipt, error) {
	var answer struct {
		ID string `json:"id"`
	}
	err := c.post(ctx, "/charges", req.Key, map[string]any{
		"cents": int64(req.Amount), "currency": req.Currency, "method": req.Method,
	}, &answer)
	if err != nil {
		return payments.Receipt{}, err
	}
	if answer.ID == "" {
		return payments.Receipt{}, malformed(errors.New("the charge has no id"))
	}
	return payments.Receipt{ID: answer.ID, Amount: req.Amount}, nil
}

// Refund gives money back, as often as it is called.
func (c *Client) Refund(ctx context.Context, r payments.Receipt) error {
	return c.post(ctx, "/refunds", "", map[string]any{"charge": r.ID, "cents": int64(r.Amount)}, nil)
}

// post sends one request and reads the answer into out.
func (c *Client) post(ctx context.Context, path, key string, body, out any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return policy.Permanent(fmt.Errorf("bank: %w", err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(b))
	if err != nil {
		return policy.Permanent(fmt.Errorf("bank: %w", err))
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
		// With that header, and a body that it can get again, net/http would
		// repeat the request by itself when a kept connection turns out to be
		// broken. Repeating is for the policy to decide, and to count.
		req.GetBody = nil
	}
	res, err := c.http.Do(req)
	if err != nil {
		return &policy.InfrastructureError{Message: "the bank can't be reached", Err: err}
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // to the end, so that the connection can be used again
	if err != nil {
		return &policy.InfrastructureError{Message: "the bank's answer broke off", Err: err}
	}
	if err := failure(res, answer); err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return malformed(err)
	}
	return nil
}

func malformed(err error) error {
	return &policy.InfrastructureError{Message: "the bank's answer makes no sense", Err: err}
}
