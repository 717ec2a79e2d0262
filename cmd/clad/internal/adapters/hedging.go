package adapters

import (
	"net/http"
	"strings"
)

// Hedging says whether the calls of a method are hedged where their policy says so.
type Hedging int

// When calls are hedged.
const (
	Never Hedging = iota
	Sometimes
	Always // but for those that are unusual: a GET with a body
)

// hedging are the adapters' services by their names, short and with the import path.
var hedging = map[string]func(method string) Hedging{
	"http.Client": ofHTTP, "net/http.Client": ofHTTP,
	"http.RoundTripper": ofHTTP, "net/http.RoundTripper": ofHTTP,
	"grpc.ClientConnInterface": ofGRPC, "google.golang.org/grpc.ClientConnInterface": ofGRPC,
	"driver.Connector": never, "database/sql/driver.Connector": never,
	"redis.Client": never, "github.com/redis/go-redis/v9.Client": never,
	"redis.ClusterClient": never, "github.com/redis/go-redis/v9.ClusterClient": never,
	"redis.Ring": never, "github.com/redis/go-redis/v9.Ring": never,
	"redis.UniversalClient": never, "github.com/redis/go-redis/v9.UniversalClient": never,
	"cladpgx.DB": never, container + "cladpgx.DB": never,
}

// Hedges says whether an adapter hedges the calls of a method of a service, or those
// by a route, a procedure; "" stands for the methods for which no other policy is
// chosen. ok is false for a service that no adapter wraps.
func Hedges(service, method string) (h Hedging, ok bool) {
	name, _, _ := strings.Cut(service, "[")
	of, ok := hedging[name]
	if !ok {
		return Never, false
	}
	return of(method), true
}

func ofHTTP(method string) Hedging {
	method, _, _ = strings.Cut(method, " ") // of a route
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return Always
	}
	if method == "" || method[0] == '/' {
		return Sometimes
	}
	return Never
}

// ofGRPC: which procedures have side effects is said by proto files.
func ofGRPC(method string) Hedging {
	if method == "NewStream" || method == "Close" {
		return Never
	}
	return Sometimes
}

func never(string) Hedging { return Never }
