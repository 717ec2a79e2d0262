package suggest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cladgo/clad/internal/suggest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNearest(t *testing.T) {
	keys := []string{"timeout", "attempt_timeout", "retry", "rate_limit", "circuit_breaker", "extends", "order"}
	for _, tt := range []struct {
		name  string
		known []string
		want  string
	}{
		{"retyr", keys, "retry"},
		{"Retry", keys, "retry"},
		{"rate-limit", keys, "rate_limit"},
		{"rateLimit", keys, "rate_limit"},
		{"CIRCUIT_BREAKER", keys, "circuit_breaker"},
		{"time out", keys, "timeout"},
		{"breaker", keys, "circuit_breaker"},
		{"limit", keys, "rate_limit"},
		{"extend", keys, "extends"},
		{"policy", []string{"policies", "services"}, "policies"},
		{"databse", []string{"external_api", "database"}, "database"},
		{"payments.gateway", []string{"payments.Gateway", "payments.Ledger"}, "payments.Gateway"},
		{"zahlungsdienst-öst", []string{"zahlungsdienst-ost"}, "zahlungsdienst-ost"},

		{"bulkhead", keys, ""},
		{"x", []string{"y"}, ""},
		{"", keys, ""},
		{"___", keys, ""},
		{"db", []string{"cache"}, ""},
		{"api", []string{"external_api"}, ""}, // three letters are part of too much
		{"retry", nil, ""},
		{strings.Repeat("a", 1000), []string{strings.Repeat("a", 999)}, ""},
		{"aaaa", []string{strings.Repeat("a", 1000)}, ""},
	} {
		if got := suggest.Nearest(tt.name, tt.known); got != tt.want {
			t.Errorf("Nearest(%.40q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Names often come out of a map: the answer may not depend on its order.
func TestNearestOfEquallyNearNamesIsTheFirstByAlphabet(t *testing.T) {
	for _, known := range [][]string{{"cache2", "cache1"}, {"cache1", "cache2"}} {
		if got := suggest.Nearest("cache", known); got != "cache1" {
			t.Errorf("Nearest with %q = %q, want cache1", known, got)
		}
	}
}

func TestMisspeltNameIsNearerThanPartOfIt(t *testing.T) {
	if got := suggest.Nearest("breakers", []string{"circuit_breakers", "braekers"}); got != "braekers" {
		t.Errorf("got %q", got)
	}
}

func TestDidYouMean(t *testing.T) {
	if got, want := suggest.DidYouMean("retyr", []string{"retry"}), ` (did you mean "retry"?)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := suggest.DidYouMean("bulkhead", []string{"retry"}); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}

// 8000 wrong names beside 8000 right ones took a minute and a half.
func TestHintsEndWithTheirWork(t *testing.T) {
	known := make([]string, 8000)
	for i := range known {
		known[i] = fmt.Sprintf("policy-%d", i)
	}
	var h suggest.Hints
	if got, want := h.DidYouMean("polici-7", known), ` (did you mean "policy-7"?)`; got != want {
		t.Errorf("the first: %q, want %q", got, want)
	}
	given := 0
	for range 1000 {
		if h.Nearest("polici-7", known) != "" {
			given++
		}
	}
	if given > 20 {
		t.Errorf("%d hints among 8000 names each", given)
	}
	if got := h.Nearest("polici-7", []string{"policy-7"}); got != "" {
		t.Errorf("a hint when there is no work left: %q", got)
	}
}
