package wiring_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cladgo/clad/container"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/fx"
)

// scrape reads the metrics as Prometheus does.
func (r *running) scrape() (text string, families map[string]*dto.MetricFamily) {
	r.t.Helper()
	text = r.must(http.MethodGet, r.api+"/metrics", "", "").body
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		r.t.Fatalf("%v in:\n%s", err, text)
	}
	return text, families
}

// value returns that of the series of a family whose labels are these, or -1.
func value(family *dto.MetricFamily, labels ...string) float64 {
	for _, m := range family.GetMetric() {
		var has []string
		for _, l := range m.GetLabel() {
			if !strings.HasPrefix(l.GetName(), "otel_scope") {
				has = append(has, l.GetName()+"="+l.GetValue())
			}
		}
		slices.Sort(has)
		slices.Sort(labels)
		if slices.Equal(has, labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return -1
}

// An outage, as Prometheus sees it.
func TestPrometheusSeesWhatHappens(t *testing.T) {
	var o *container.Orchestrator
	r := start(t, profile(t, "production"), fx.Populate(&o))
	if err := o.SetShadow("development", profile(t, "development")); err != nil {
		t.Fatal(err)
	}
	r.pay("") // so that the dry run has something to say
	_, families := r.scrape()
	open := func() float64 {
		return value(families["clad_circuit_breaker_state"], "breaker=payments.Gateway", "state=open")
	}
	if open() != 0 {
		t.Error("the gateway's breaker is not there from the start")
	}
	r.pay("")
	r.faults(`{"outage": true}`)
	for range 4 {
		r.pay("")
	}
	text, families := r.scrape()
	if open() != 1 {
		t.Error("the gateway's breaker is not open")
	}
	charge := "operation=payments.Gateway.Charge"
	for name, want := range map[string]float64{
		"succeeded": 2, "failed": 4, "cancelled": 0, "answered": 0,
	} {
		if got := value(families["clad_operations_total"], charge, "outcome="+name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := value(families["clad_operation_duration_seconds"], charge, "outcome=failed"); got != 4 {
		t.Errorf("%v durations", got)
	}
	if value(families["clad_rejections_total"], charge, "reason=circuit_open") < 2 {
		t.Error("nothing was rejected")
	}

	// What the dashboard and the alerts of the documentation ask for is there.
	for _, page := range []string{"grafana-dashboard.json", "alerts.yaml"} {
		asks, err := os.ReadFile("../../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\bclad_[a-z_]+`).FindAllString(string(asks), -1) {
			if strings.HasPrefix(name, "clad_shared_") {
				continue // the example shares nothing
			}
			if families[strings.TrimSuffix(name, "_bucket")] == nil {
				t.Errorf("%s asks for %s, which is not in:\n%s", page, name, text)
			}
		}
	}

	if _, err := exec.LookPath("promtool"); errors.Is(err, exec.ErrNotFound) && os.Getenv("CLAD_REQUIRE_SERVICES") == "" {
		t.Skip(err)
	}
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
