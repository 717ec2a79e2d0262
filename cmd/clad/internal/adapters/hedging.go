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

// Hedges says whether an adapter hedges the calls of a method of a service, or those
// by a route, a procedure; "" stands for the methods for which no other policy is
// chosen. A service goes by its type, with the import path or the package's name
// alone. ok is false for one that no adapter wraps.
func Hedges(service, method string) (h Hedging, ok bool) {
	name, _, _ := strings.Cut(service, "[")
	for full, a := range known {
		full = strings.TrimPrefix(full, "*")
		if short := a.of + full[strings.LastIndexByte(full, '.'):]; name != full && name != short {
			continue
		}
		if a.hedges == nil {
			return Never, true
		}
		return a.hedges(method), true
	}
	return Never, false
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
