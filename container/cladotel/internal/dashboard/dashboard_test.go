package dashboard_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cladgo/clad/container/cladotel/internal/dashboard"
	"github.com/cladgo/clad/container/cladotel/internal/metrics"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the dashboard")

const (
	docs = "../../../../docs/"
	page = docs + "grafana-dashboard.json"
)

func TestTheDashboardIsMadeOfTheMetrics(t *testing.T) {
	want, err := dashboard.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what is made of the metrics (%v); run go test ./internal/dashboard -update", page, err)
	}
	for _, m := range metrics.All {
		if !strings.Contains(string(want), m.Prometheus()) {
			t.Errorf("%s has no panel", m.Name)
		}
	}
}

var table = regexp.MustCompile(`(?s)(<!-- metrics -->\n).*?(<!-- end -->)`)

func TestTheDocumentationHasEveryMetric(t *testing.T) {
	const page = docs + "observing.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	want := table.ReplaceAll(text, []byte("${1}"+metricsTable()+"${2}"))
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
		text = want
	}
	if !bytes.Equal(text, want) || !bytes.Contains(text, []byte(metricsTable())) {
		t.Errorf("the table of %s is not what is made of the metrics; run go test ./internal/dashboard -update", page)
	}
}

func metricsTable() string {
	var b strings.Builder
	b.WriteString("| metric | kind | unit | attributes | what it says | in Prometheus |\n|---|---|---|---|---|---|\n")
	for _, m := range metrics.All {
		var attributes []string
		for _, a := range m.Attributes {
			if values := metrics.Values[a]; m.Name == metrics.Reloads.Name {
				a = "`" + a + "`: succeeded, failed"
			} else if values != nil {
				a = "`" + a + "`: " + strings.Join(values, ", ")
			} else {
				a = "`" + a + "`"
			}
			attributes = append(attributes, a)
		}
		b.WriteString("| `" + m.Name + "` | " + string(m.Kind) + " | " + m.Unit + " | " + strings.Join(attributes, "; ") +
			" | " + m.Description + " | `" + m.Prometheus() + "` |\n")
	}
	return b.String()
}

// expressions are the queries of the dashboard.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	var read struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	made, err := dashboard.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(made, &read); err != nil {
		t.Fatal(err)
	}
	for _, p := range read.Panels {
		for _, target := range p.Targets {
			all = append(all, strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
		}
	}
	return all
}

func TestPrometheusUnderstandsTheDashboard(t *testing.T) {
	type rule struct {
		Record string `json:"record"`
		Expr   string `json:"expr"`
	}
	var rules []rule
	for _, e := range expressions(t) {
		rules = append(rules, rule{"panel", e})
	}
	if len(rules) < len(metrics.All) {
		t.Fatalf("%d queries", len(rules))
	}
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yaml") // which JSON is
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	promtool(t, "check", "rules", docs+"alerts.yaml")
	promtool(t, "test", "rules", "testdata/alerts.test.yaml")
}

var (
	used   = regexp.MustCompile(`\bclad_[a-z_]+`)
	filter = regexp.MustCompile(`(\w+)!?=~?"([^"$.]*)"`)
)

// An alert on a metric, or a value of an attribute, that there is not never fires.
func TestAlertsAreOnMetricsThatThereAre(t *testing.T) {
	alerts, err := os.ReadFile(docs + "alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range metrics.All {
		known[m.Prometheus()] = true
	}
	for where, text := range map[string]string{"the alerts": string(alerts), "the dashboard": strings.Join(expressions(t), "\n")} {
		names := used.FindAllString(text, -1)
		if len(names) == 0 {
			t.Errorf("%s use no metric", where)
		}
		for _, name := range names {
			if !known[strings.TrimSuffix(name, "_bucket")] {
				t.Errorf("%s use %s, which there is not", where, name)
			}
		}
		for _, m := range filter.FindAllStringSubmatch(text, -1) {
			found := false
			for _, value := range metrics.Values[m[1]] {
				found = found || value == m[2]
			}
			if !found {
				t.Errorf("%s ask for %s", where, m[0])
			}
		}
	}
}

// promtool is of Debian's package prometheus.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("CLAD_REQUIRE_SERVICES") != "" {
			t.Fatalf("%v; it is of Debian's package prometheus", err)
		}
		t.Skip(err)
	}
	out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
