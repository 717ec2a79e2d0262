package cladhttp

import (
	"net/http"

	"github.com/cladgo/clad/container"
)

// other is what a method of HTTP that is not listed is called in profiles.
const other = "OTHER"

var methodNames = []string{
	http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodOptions,
	http.MethodPatch, http.MethodPost, http.MethodPut, http.MethodTrace, other,
}

func init() { //nolint:gochecknoinits // proxies register themselves
	container.RegisterWrapper(func(next http.RoundTripper, m container.Methods) http.RoundTripper {
		return newTransport(next, newMethodGuards(m).guard, newOptions(nil))
	}, methodNames...)
	container.RegisterWrapper(func(next *http.Client, m container.Methods) *http.Client {
		guarded := *next
		guarded.Transport = newTransport(next.Transport, newMethodGuards(m).guard, newOptions(nil))
		return &guarded
	}, methodNames...)
	container.RegisterHedgedNames[http.RoundTripper](checkRoute, routeReads)
	container.RegisterHedgedNames[*http.Client](checkRoute, routeReads)
}

// methodGuard is what stands before requests of one method.
type methodGuard struct {
	service *container.Pipeline // under the policy chosen for the method, else the service's
	chosen  *container.Pipeline // under the policy chosen for the method, else none
}

type methodGuards struct {
	methods container.Methods
	guards  map[string]methodGuard
}

func newMethodGuards(m container.Methods) methodGuards {
	guards := make(map[string]methodGuard, len(methodNames))
	for _, name := range methodNames {
		service := m.Method
		if reads(name) {
			service = m.Hedges
		}
		guards[name] = methodGuard{service(name), m.Optional(name)}
	}
	return methodGuards{m, guards}
}

func (g methodGuards) guard(req *http.Request) guard {
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	if p := chosenFor(g.methods, req, method); p != nil {
		return guard{runner: p, repeat: true}
	}
	of, ok := g.guards[method]
	if !ok {
		of = g.guards[other]
	}
	repeat := !of.chosen.Direct() // somebody named this method, and knows what may be repeated
	return guard{runner: of.service, repeat: repeat}
}
