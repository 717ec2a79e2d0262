// Package dashboard makes the Grafana dashboard of docs/grafana-dashboard.json out
// of the metrics' definitions.
package dashboard

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cladgo/clad/container/cladotel/internal/metrics"
)

// JSON returns the dashboard, as Grafana imports it.
func JSON() ([]byte, error) {
	b := &builder{}
	b.row("At a glance")
	b.glance()
	for _, section := range sections {
		b.row(section.title)
		for _, m := range section.metrics {
			b.metric(m)
		}
	}
	return json.MarshalIndent(dashboard{
		UID: "clad", Title: "clad", Tags: []string{"clad", "resilience"}, SchemaVersion: 39, Editable: true,
		Refresh: "10s", Time: timeRange{"now-1h", "now"}, Templating: templating{variables()}, Panels: b.panels,
	}, "", "  ")
}

// sections are where each metric has its panel. A test sees to it that all have one.
var sections = []struct {
	title   string
	metrics []metrics.Metric
}{
	{"Operations", []metrics.Metric{metrics.Operations, metrics.OperationDuration, metrics.Active}},
	{"Attempts", []metrics.Metric{metrics.AttemptDuration, metrics.Retries, metrics.Hedges, metrics.Timeouts, metrics.Overruns, metrics.Rejections, metrics.Shed, metrics.Fallbacks, metrics.Stale, metrics.Chaos}},
	{"Circuit breakers", []metrics.Metric{metrics.BreakerState, metrics.Transitions}},
	{"Rate limiters", []metrics.Metric{metrics.LimiterTokens, metrics.LimiterLimit}},
	{"Bulkheads", []metrics.Metric{metrics.BulkheadInUse, metrics.BulkheadWaiting, metrics.BulkheadLimit}},
	{"Fleet", []metrics.Metric{metrics.SharedInstances, metrics.SharedAlone, metrics.SharedAge}},
	{"Profile", []metrics.Metric{metrics.Reloads}},
	{"Dry run", []metrics.Metric{metrics.ShadowTrips, metrics.ShadowRejections, metrics.ShadowRetries, metrics.ShadowTimeouts}},
}

type builder struct {
	panels []panel
	x, y   int
	height int // of the panels of the line at hand
}

const width = 24 // of a dashboard, in Grafana's units

func (b *builder) add(p panel, w, h int) {
	if b.x+w > width {
		b.x, b.y, b.height = 0, b.y+b.height, 0
	}
	p.ID, p.GridPos = len(b.panels)+1, gridPos{h, w, b.x, b.y}
	for i := range p.Targets {
		p.Targets[i].RefID = string(rune('A' + i))
		p.Targets[i].Datasource = p.Datasource
	}
	b.panels = append(b.panels, p)
	b.x, b.height = b.x+w, max(b.height, h)
}

func (b *builder) row(title string) {
	b.x, b.y, b.height = 0, b.y+b.height, 0
	b.add(panel{Type: "row", Title: title}, width, 1)
	b.x, b.y, b.height = 0, b.y+1, 0
}

// glance is what somebody looks for at three in the morning: what is down, since
// when, and what it costs.
func (b *builder) glance() {
	state, operations := metrics.BreakerState.Prometheus(), metrics.Operations.Prometheus()
	open := fmt.Sprintf(`sum(max by (breaker) (%s{state="open"}))`, state)
	b.add(show("stat", "Open circuit breakers", "", fields{Thresholds: redFrom(1)}, query(open, "open")), 4, 5)
	failing := fmt.Sprintf(`sum(rate(%[1]s{outcome="failed"}[$__rate_interval])) / sum(rate(%[1]s{outcome!="cancelled"}[$__rate_interval]))`, operations)
	b.add(show("stat", "Failed operations", "", fields{Unit: "percentunit", Thresholds: redFrom(0.05)}, query(failing, "failed")), 4, 5)
	worst := fmt.Sprintf(`max by (breaker) (%[1]s{state="half-open"}) + 2 * max by (breaker) (%[1]s{state="open"})`, state)
	timeline := show("state-timeline", "Circuit breakers", "The worst state of each, of all instances.", fields{
		Thresholds: thresholds("green", step{"orange", 1}, step{"red", 2}),
		Mappings:   []mapping{states},
	}, query(worst, "{{breaker}}"))
	b.add(timeline, 16, 10)
}

// metric adds the panel of one metric.
func (b *builder) metric(m metrics.Metric) {
	name, by := m.Prometheus(), strings.Join(m.Attributes, ", ")
	where := ""
	if m.Attributes[0] == metrics.Operation {
		where = `{operation=~"$operation"}`
	}
	legend := "{{" + strings.Join(m.Attributes, "}} {{") + "}}"
	f := fields{Unit: unitOf(m)}
	var queries []target
	switch m.Kind {
	case metrics.Histogram:
		for _, q := range []string{"0.5", "0.95", "0.99"} {
			expr := fmt.Sprintf("histogram_quantile(%s, sum by (%s, le) (rate(%s_bucket%s[$__rate_interval])))", q, by, name, where)
			queries = append(queries, query(expr, legend+" p"+strings.TrimPrefix(q, "0.")))
		}
	case metrics.Counter:
		queries = append(queries, query(fmt.Sprintf("sum by (%s) (rate(%s%s[$__rate_interval]))", by, name, where), legend))
	default:
		how := "sum"
		switch m.Name { // all instances say the same of these, or one of them the worst
		case metrics.BreakerState.Name, metrics.SharedInstances.Name, metrics.SharedAge.Name:
			how = "max"
		}
		queries = append(queries, query(fmt.Sprintf("%s by (%s) (%s%s)", how, by, name, where), legend))
	}
	b.add(show("timeseries", title(m), m.Description, f, queries...), 12, 8)
}

func title(m metrics.Metric) string {
	words := strings.TrimPrefix(m.Name, "clad.")
	words = strings.NewReplacer(".", " ", "_", " ").Replace(words)
	return strings.ToUpper(words[:1]) + words[1:]
}

func unitOf(m metrics.Metric) string {
	switch {
	case m.Unit == "s":
		return "s"
	case m.Unit == metrics.LimiterLimit.Unit:
		return "reqps"
	case m.Kind == metrics.Counter:
		return "ops"
	}
	return "short"
}
