package cladhttp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/policy"
)

// PerHost returns a RoundTripper like that of [New] under which each host has
// unnamed breakers, limiters and bulkheads of its own: what is wrong with one host
// stops no requests to another. To o the hosts are partitions of one operation: where
// that is "webhooks", the breaker of example.com is "webhooks/example.com". How many
// are remembered, and which of them make room for others, container.Partition says: so
// an unbounded set of them, as of customers' webhooks, fills no memory, and none keeps
// another from having its own.
//
// It nests within another transport:
//
//	perHost, err := cladhttp.PerHost(nil, orchestrator, "webhooks", policy.CircuitBreaker{})
//	client := &http.Client{Transport: cladhttp.New(perHost, retries)}
//
// A policy that o cannot carry out is an error, and so is an o that is not made of a
// [container.Orchestrator]: others know no partitions.
func PerHost(next http.RoundTripper, o policy.Orchestrator, operation string, p policy.Policy, opts ...Option) (http.RoundTripper, error) {
	r, err := o.For(operation, p)
	if err != nil {
		return nil, fmt.Errorf("cladhttp.PerHost: %w", err)
	}
	if _, ours := r.(*container.Pipeline); !ours {
		return nil, fmt.Errorf("cladhttp.PerHost: the orchestrator's For returned a %T, which has no partitions; use one of container.NewOrchestrator", r)
	}
	return newTransport(next, func(req *http.Request) guard {
		return guard{runner: r, partition: hostOf(req.URL)}
	}, newOptions(opts)), nil
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
