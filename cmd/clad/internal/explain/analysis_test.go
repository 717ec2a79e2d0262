package explain_test

import (
	"math"
	"testing"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/policy"
)

func seconds(n float64) policy.Timeout { return policy.Timeout(n * float64(time.Second)) }

func retry(attempts int, backoff policy.Backoff) policy.Retry {
	return policy.Retry{MaxAttempts: attempts, Backoff: backoff}
}

func TestAnalyze(t *testing.T) {
	second := policy.Fixed(time.Second)
	limit := policy.RateLimit{RequestsPerSecond: 100, MaxWait: 5 * time.Second}
	for name, tt := range map[string]struct {
		policy   policy.Policy
		attempts int
		worst    string
		formula  string
	}{
		"nothing":                   {policy.None{}, 1, "unbounded", "nothing bounds the call"},
		"a breaker alone":           {policy.CircuitBreaker{}, 1, "unbounded", "nothing bounds the call"},
		"a timeout":                 {seconds(5), 1, "5s", "timeout of 5s"},
		"retry without timeout":     {retry(3, second), 3, "unbounded", "nothing bounds the call"},
		"retry within a timeout":    {policy.Combine(seconds(5), retry(3, second)), 3, "5s", "timeout of 5s"},
		"retry of a timeout":        {policy.Combine(retry(3, second), seconds(5)), 3, "17s", "3 × attempt_timeout of 5s + 2s of waits"},
		"no waits":                  {policy.Combine(retry(3, policy.Fixed(0)), seconds(5)), 3, "15s", "3 × attempt_timeout of 5s"},
		"one attempt":               {policy.Combine(retry(1, second), seconds(5)), 1, "5s", "attempt_timeout of 5s"},
		"the defaults":              {policy.Combine(policy.Retry{}, seconds(5)), 3, "15.45s", "3 × attempt_timeout of 5s + 450ms of waits"},
		"both, with time to spare":  {policy.Combine(seconds(20), retry(3, second), seconds(5)), 3, "17s", "3 × attempt_timeout of 5s + 2s of waits"},
		"both, too tight":           {policy.Combine(seconds(10), retry(3, second), seconds(5)), 3, "10s", "timeout of 10s; without it 17s: 3 × attempt_timeout of 5s + 2s of waits"},
		"waiting for a token":       {policy.Combine(retry(2, second), limit, seconds(5)), 2, "21s", "2 × (max_wait of 5s + attempt_timeout of 5s) + 1s of waits"},
		"a token for all attempts":  {policy.Combine(limit, retry(2, second), seconds(5)), 2, "16s", "max_wait of 5s + 2 × attempt_timeout of 5s + 1s of waits"},
		"a token within a timeout":  {policy.Combine(seconds(7), limit, seconds(5)), 1, "7s", "timeout of 7s; without it 10s: max_wait of 5s + attempt_timeout of 5s"},
		"waiting for a permit":      {policy.Combine(retry(2, second), policy.Bulkhead{MaxConcurrent: 1, MaxWait: 2 * time.Second}, seconds(5)), 2, "15s", "2 × (max_wait of 2s + attempt_timeout of 5s) + 1s of waits"},
		"a permit for all attempts": {policy.Combine(policy.Bulkhead{MaxConcurrent: 1, MaxWait: 2 * time.Second}, retry(2, second), seconds(5)), 2, "13s", "max_wait of 2s + 2 × attempt_timeout of 5s + 1s of waits"},
		"refused within a timeout":  {policy.Combine(retry(2, second), seconds(3), policy.Bulkhead{MaxConcurrent: 1, MaxWait: 2 * time.Second}, seconds(5)), 2, "8s", "2 × attempt_timeout of 3s; without it 7s: max_wait of 2s + attempt_timeout of 5s + 2s of waits"},
		"rejected for longer":       {policy.Combine(retry(2, second), policy.RateLimit{RequestsPerSecond: 0.1}, seconds(5)), 2, "15s", "2 × attempt_timeout of 5s + 5s of waits"},
		"max_elapsed":               {policy.Combine(policy.Retry{MaxAttempts: 10, Backoff: second, MaxElapsed: 12 * time.Second}, seconds(5)), 10, "17s", "max_elapsed of 12s + attempt_timeout of 5s for the last attempt"},
		"max_elapsed, far off":      {policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: second, MaxElapsed: time.Minute}, seconds(5)), 2, "11s", "2 × attempt_timeout of 5s + 1s of waits"},
		"retry of a retry":          {policy.Combine(retry(3, second), retry(2, second), seconds(1)), 6, "11s", "3 × (2 × attempt_timeout of 1s + 1s of waits) + 2s of waits"},
		"hedge":                     {policy.Combine(policy.Hedge{Delay: time.Second}, seconds(5)), 2, "6s", "1 × delay of 1s before the last hedge + attempt_timeout of 5s"},
		"hedges in a retry":         {policy.Combine(retry(2, second), policy.Hedge{Quantile: 0.9, MaxHedges: 2}, seconds(1)), 6, "7s", "2 × (2 × the longest attempt before the last hedge + attempt_timeout of 1s) + 1s of waits"},
		"a hedge of what may hang":  {policy.Hedge{Delay: time.Second}, 2, "unbounded", "nothing bounds the call"},
		"linear":                    {policy.Combine(retry(4, policy.Linear{Initial: time.Second, Increment: 2 * time.Second, Max: 4 * time.Second}), seconds(1)), 4, "12s", "4 × attempt_timeout of 1s + 8s of waits"},
		"exponential":               {policy.Combine(retry(4, policy.Exponential{Initial: time.Second, Multiplier: 3, Max: 5 * time.Second}), seconds(1)), 4, "13s", "4 × attempt_timeout of 1s + 9s of waits"},
		"jitter stays below max":    {policy.Combine(retry(3, policy.Exponential{Initial: 4 * time.Second, Multiplier: 2, Max: 5 * time.Second, Jitter: true}), seconds(1)), 3, "13s", "3 × attempt_timeout of 1s + 10s of waits"},
		"waits of centuries":        {policy.Combine(retry(100, policy.Exponential{Initial: time.Hour, Multiplier: 10, Jitter: true}), seconds(1)), 100, "unbounded", "100 × attempt_timeout of 1s + endless waits"},
		"attempts without end":      {policy.Combine(retry(math.MaxInt32, policy.Fixed(time.Millisecond)), seconds(1)), math.MaxInt32, "597119h45m30.646s", "2147483647 × attempt_timeout of 1s + 596h31m23.646s of waits"},
		"attempts without number":   {policy.Combine(retry(math.MaxInt32, second), retry(math.MaxInt32, second), retry(math.MaxInt32, second)), math.MaxInt, "unbounded", "nothing bounds the call"},
		"a limiter that never asks": {policy.Combine(retry(2, second), policy.RateLimit{RequestsPerSecond: 1e-300}, seconds(5)), 2, "unbounded", "2 × attempt_timeout of 5s + endless waits"},
	} {
		t.Run(name, func(t *testing.T) {
			a := explain.Analyze(layers(tt.policy))
			if a.Attempts != tt.attempts || a.Worst.String() != tt.worst || a.Formula != tt.formula {
				t.Errorf("%v\ngot  %d attempts, %v = %s\nwant %d attempts, %s = %s", tt.policy, a.Attempts, a.Worst, a.Formula, tt.attempts, tt.worst, tt.formula)
			}
		})
	}
}

func TestBudgetOfRetries(t *testing.T) {
	with := func(attempts int, budget float64) policy.Policy {
		return policy.Retry{MaxAttempts: attempts, Budget: budget}
	}
	for want, p := range map[float64]policy.Policy{
		0.1: policy.Combine(seconds(1), with(3, 0.1)),
		0.2: policy.Combine(with(3, 0.1), with(2, 0.2), with(1, 0)),
		0:   policy.Combine(with(3, 0.1), with(2, 0)),
	} {
		if got := explain.Analyze(layers(p)).Budget; got != want {
			t.Errorf("%v: %v, want %v", p, got, want)
		}
	}
}
