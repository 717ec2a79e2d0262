package cladhttp

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/cladgo/clad/container"
)

// Readiness returns a handler that says whether the application can do its work:
//
//	mux.Handle("GET /readyz", cladhttp.Readiness(orchestrator))
//
// The status is 503 while a circuit breaker of a service is open that the profile
// marks as critical, else 200. A breaker whose recovery timeout has passed is not
// open: it waits for calls, which an application that is not ready never gets.
//
// The body is JSON, and says how every service is:
//
//	{"status": "not ready", "services": [{"name": "payments.Gateway", "critical": true, "state": "open",
//	  "circuit_breakers": [{"name": "payments.Gateway", "state": "open", "mode": "automatic",
//	    "since": "2026-02-03T10:15:00Z", "retry_after_s": 12.5}]}]}
//
// It is never to be asked for liveness: that a dependency is down is no reason to
// restart what depends on it.
func Readiness(o *container.Orchestrator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		health := o.Health()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		if !health.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(reportOf(health)) // the client may be gone
	})
}

type readinessReport struct {
	Status   string          `json:"status"`
	Services []serviceReport `json:"services"`
}

type serviceReport struct {
	Name            string          `json:"name"`
	Critical        bool            `json:"critical"`
	State           string          `json:"state"`
	CircuitBreakers []breakerReport `json:"circuit_breakers"`
}

type breakerReport struct {
	Name       string    `json:"name"`
	State      string    `json:"state"`
	Mode       string    `json:"mode"`
	Since      time.Time `json:"since"`
	RetryAfter float64   `json:"retry_after_s,omitempty"`
}

func reportOf(h container.Health) readinessReport {
	report := readinessReport{Status: "ready", Services: make([]serviceReport, len(h.Services))}
	if !h.Ready {
		report.Status = "not ready"
	}
	for i, s := range h.Services {
		its := serviceReport{s.Name, s.Critical, s.State.String(), make([]breakerReport, len(s.CircuitBreakers))}
		for j, b := range s.CircuitBreakers {
			its.CircuitBreakers[j] = breakerReport{b.Name, b.State.String(), string(b.Mode), b.Since.UTC(), b.RetryAfter.Seconds()}
		}
		report.Services[i] = its
	}
	return report
}
