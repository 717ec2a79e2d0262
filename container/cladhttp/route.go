package cladhttp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/cladgo/clad/container"
)

// Route returns a context for requests that go by a route of the server's:
// "/users/{id}", or "GET /users/{id}" for one method alone. A tag or a profile may
// choose a policy for that name, as for a method:
//
//	ctx = cladhttp.Route(ctx, "GET /users/{id}")
//	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/users/"+id, nil)
//
// A request whose route nothing is chosen for goes by its method. The route is
// not compared with the URL of the request, nor sent.
func Route(ctx context.Context, pattern string) context.Context {
	return context.WithValue(ctx, routeKey{}, pattern)
}

type routeKey struct{}

// chosenFor returns the pipeline that is chosen for a request's route, with its
// method or for all methods, or nil.
func chosenFor(m container.Methods, req *http.Request, method string) *container.Pipeline {
	route, ok := req.Context().Value(routeKey{}).(string)
	if !ok {
		return nil
	}
	if p := m.Chosen(route); p != nil {
		return p
	}
	if path, ok := strings.CutPrefix(route, method+" "); ok {
		return m.Chosen(path)
	}
	return m.Chosen(method + " " + route)
}

// routeReads reports whether the requests of a route, which is one that checkRoute has
// nothing against, only read, as far as it says.
func routeReads(name string) bool {
	method, _, ok := strings.Cut(name, " ")
	return !ok || reads(method)
}

// checkRoute returns what keeps a name from being that of a route.
func checkRoute(name string) error {
	method, path, ok := strings.Cut(name, " ")
	if !ok {
		method, path = "", name
	}
	if !strings.HasPrefix(path, "/") {
		return errors.New(`a route is a path with or without a method, as in "GET /users/{id}"`)
	}
	if ok && (method == "" || strings.ToUpper(method) != method) {
		return fmt.Errorf("the route %q: methods are written in capitals", name)
	}
	return nil
}
