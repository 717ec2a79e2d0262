package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

// What another profile would have done is part of the state, for as long as it is
// rehearsed.
func TestStateSaysWhatADryRunWouldHaveDone(t *testing.T) {
	o, err := container.NewOrchestrator(policy.Catalog{Policies: map[string]policy.Policy{"bank": policy.None{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	h := console.Handler(o)
	state := func() (body string, s console.State) {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/state", nil))
		if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		return w.Body.String(), s
	}
	if body, s := state(); s.DryRun != nil || strings.Contains(body, "dry_run") {
		t.Errorf("%s", body)
	}
	candidate := policy.Combine(policy.Retry{MaxAttempts: 2, Backoff: policy.Fixed(1)}, policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour})
	if err := o.SetShadow("candidate", policy.Catalog{Policies: map[string]policy.Policy{"bank": candidate}}); err != nil {
		t.Fatal(err)
	}
	runner, err := o.Pipeline("bank")
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		_ = runner.Run(t.Context(), func(context.Context) error { return errors.New("busy") })
	}
	body, s := state()
	d := s.DryRun
	if d == nil || d.Profile != "candidate" || d.Trips != 1 || d.Rejections != 3 || d.Retries != 2 || d.Assumed != 2 || d.Totals.Operations != 5 {
		t.Fatalf("%s", body)
	}
	if len(d.Operations) != 1 || d.Operations[0].ID != "bank" || d.Operations[0].Rejections != 3 || d.Operations[0].Totals.CircuitOpen != 3 {
		t.Errorf("%+v", d.Operations)
	}
	if len(d.CircuitBreakers) != 1 || d.CircuitBreakers[0].State != "open" || d.CircuitBreakers[0].RetryAfter < 3000 {
		t.Errorf("%+v", d.CircuitBreakers)
	}
	if !strings.Contains(body, `"dry_run":{"profile":"candidate","since":"`) || len(s.CircuitBreakers) != 0 {
		t.Errorf("%s", body)
	}
}
