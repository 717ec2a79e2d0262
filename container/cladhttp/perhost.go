package cladhttp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/cladgo/clad/policy"
)

// PerHost returns a RoundTripper like that of [New] under which each host has
// unnamed breakers and limiters of its own: what is wrong with one host stops no
// requests to another. To o each host is an operation: that of example.com is
// "webhooks example.com" where operation is "webhooks".
//
// Hosts beyond the limit (see [MaxHosts]) share the operation without a host's
// name; so an unbounded set of them, as of customers' webhooks, fills no memory.
//
// It nests within another transport:
//
//	perHost, err := cladhttp.PerHost(nil, orchestrator, "webhooks", policy.CircuitBreaker{})
//	client := &http.Client{Transport: cladhttp.New(perHost, retries)}
//
// A policy that o cannot carry out is an error.
func PerHost(next http.RoundTripper, o policy.Orchestrator, operation string, p policy.Policy, opts ...Option) (http.RoundTripper, error) {
	rest, err := o.For(operation, p)
	if err != nil {
		return nil, fmt.Errorf("cladhttp.PerHost: %w", err)
	}
	options := newOptions(opts)
	h := &hosts{orchestrator: o, operation: operation, policy: p, rest: rest, max: options.maxHosts}
	return newTransport(next, h.guard, options), nil
}

type hosts struct {
	orchestrator policy.Orchestrator
	operation    string
	policy       policy.Policy
	rest         policy.Runner // of the hosts beyond max
	max          int

	mu    sync.RWMutex
	known map[string]policy.Runner
}

func (h *hosts) guard(req *http.Request) (guard, error) {
	host := hostOf(req.URL)
	h.mu.RLock()
	r, ok := h.known[host]
	h.mu.RUnlock()
	if ok {
		return guard{runner: r}, nil
	}
	r, err := h.add(host)
	return guard{runner: r}, err
}

func (h *hosts) add(host string) (policy.Runner, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r, ok := h.known[host]; ok {
		return r, nil // somebody was first
	}
	if len(h.known) >= h.max {
		return h.rest, nil
	}
	r, err := h.orchestrator.For(h.operation+" "+host, h.policy)
	if err != nil {
		return nil, fmt.Errorf("cladhttp: %w", err)
	}
	if h.known == nil {
		h.known = make(map[string]policy.Runner)
	}
	h.known[host] = r
	return r, nil
}

// hostOf names the server of a URL in one way, whatever the way it is written.
func hostOf(u *url.URL) string {
	if u == nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return host
}
