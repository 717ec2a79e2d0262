package api

import (
	"net/http"

	"github.com/cladgo/clad/examples/app/jsonio"
	"github.com/cladgo/clad/policy"
)

// totals is policy.Totals with JSON's names.
type totals struct {
	TotalOperations      uint64 `json:"total_operations"`
	SuccessfulOperations uint64 `json:"successful_operations"`
	Answered             uint64 `json:"answered"`
	FailedOperations     uint64 `json:"failed_operations"`
	Cancelled            uint64 `json:"cancelled"`

	RetryAttempts            uint64 `json:"retry_attempts"`
	CircuitBreakerTrips      uint64 `json:"circuit_breaker_trips"`
	CircuitBreakerRejections uint64 `json:"circuit_breaker_rejections"`
	RateLimitHits            uint64 `json:"rate_limit_hits"`
	BulkheadRejections       uint64 `json:"bulkhead_rejections"`
	Shed                     uint64 `json:"shed"`
	Hedges                   uint64 `json:"hedges"`
	HedgesWon                uint64 `json:"hedges_won"`
	RetryBudgetHits          uint64 `json:"retry_budget_hits"`
	TimeoutCount             uint64 `json:"timeout_count"`
	Overruns                 uint64 `json:"overruns"`
	Fallbacks                uint64 `json:"fallbacks"`
	Stale                    uint64 `json:"stale"`
	Chaos                    uint64 `json:"chaos"`
}

// State is the body of GET /state.
type State struct {
	Total           totals             `json:"total"`
	Operations      map[string]totals  `json:"operations"`
	CircuitBreakers map[string]Breaker `json:"circuit_breakers"`
}

func (a *API) showState(w http.ResponseWriter, _ *http.Request) {
	m := a.metrics()
	shown := State{
		Total:           totals(m.Totals),
		Operations:      make(map[string]totals, len(m.Operations)),
		CircuitBreakers: a.breakers.All(),
	}
	for id, t := range m.Operations {
		shown.Operations[id] = totals(t)
	}
	jsonio.Write(w, http.StatusOK, shown)
}

// showHealth says that the process is alive, whatever its dependencies do. An
// open circuit breaker is protection at work: a supervisor that restarted the
// service for it would take down what still works, and cure nothing.
func (a *API) showHealth(w http.ResponseWriter, _ *http.Request) {
	open := []string{}
	for name, b := range a.breakers.All() {
		if b.State == policy.StateOpen.String() {
			open = append(open, name)
		}
	}
	jsonio.Write(w, http.StatusOK, map[string]any{"status": "alive", "open_circuit_breakers": open})
}
