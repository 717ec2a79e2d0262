package explain_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/cmd/clad/internal/explain"
	"github.com/cladgo/clad/cmd/clad/internal/terminal"
)

// Profiles of 64 KB took up to two minutes: each policy was compared with all
// others, and each wait of each retry was added up.
func TestLargeProfilesAreExplainedInTime(t *testing.T) {
	none := load(t, "none", "{}")
	for name, tt := range map[string]struct{ head, part, tail string }{
		"retries":                 {"policies: {", "p%[1]d: {retry: 999999, attempt_timeout: 1ns, timeout: 999999h},", "}"},
		"one breaker for all":     {"circuit_breakers: {b: {}}\npolicies: {", "p%[1]d: {circuit_breaker: b},", "}"},
		"a named breaker of each": {"policies: {", "p%[1]d: {circuit_breaker: {name: b%[1]d, window: 1s}},", "}"},
		"methods":                 {"policies: {p: {retry: 2}}\nservices: {s: {methods: {", "M%[1]d: p,", "}}}"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(tt.head)
			for i := 0; b.Len() < 60_000; i++ {
				fmt.Fprintf(&b, tt.part, i)
			}
			p := load(t, "large", b.String()+tt.tail)
			began := cpuTime()
			var text bytes.Buffer
			explain.New(p, explain.Options{Patience: time.Minute}).Print(&text, terminal.Colours{})
			d, err := explain.Diff(none, p, "", explain.Options{Patience: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			d.Print(&text, terminal.Colours{})
			if took := cpuTime() - began; took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if text.Len() > 20<<20 {
				t.Errorf("it prints %d bytes", text.Len())
			}
		})
	}
}
