package cladotel_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel"
	"github.com/cladgo/clad/policy"
	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("the dependency is down")

// observed is an orchestrator whose metrics are collected by hand.
type observed struct {
	*container.Orchestrator
	t      *testing.T
	reader *sdk.ManualReader
}

func observe(t *testing.T, c policy.Catalog, opts ...cladotel.Option) *observed {
	t.Helper()
	return observeFleet(t, c, nil, opts...)
}

// observeFleet has what is shared be so by a store.
func observeFleet(t *testing.T, c policy.Catalog, store container.Store, opts ...cladotel.Option) *observed {
	t.Helper()
	reader := sdk.NewManualReader()
	opts = append(opts, cladotel.WithMeterProvider(sdk.NewMeterProvider(sdk.WithReader(reader))))
	o, err := container.NewOrchestrator(c, cladotel.Observe(opts...), container.WithStore(store))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return &observed{o, t, reader}
}

// run runs an operation whose attempts end with errs, one by one.
func (o *observed) run(ctx context.Context, id string, p policy.Policy, errs ...error) {
	o.t.Helper()
	runner, err := o.For(id, p)
	if err != nil {
		o.t.Fatal(err)
	}
	_ = runner.Run(ctx, func(context.Context) (err error) {
		if len(errs) > 0 {
			err, errs = errs[0], errs[1:]
		}
		return err
	})
}

func (o *observed) collect() map[string]metricdata.Metrics {
	o.t.Helper()
	var all metricdata.ResourceMetrics
	if err := o.reader.Collect(o.t.Context(), &all); err != nil {
		o.t.Fatal(err)
	}
	found := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			found[m.Name] = m
		}
	}
	return found
}

// series returns the values of a metric, by the values of its attributes; of a
// histogram how many were recorded.
func series(t *testing.T, m metricdata.Metrics) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	put := func(with attribute.Set, v float64) {
		label := ""
		for _, kv := range with.ToSlice() {
			if label != "" {
				label += ","
			}
			label += kv.Value.Emit()
		}
		if _, twice := found[label]; twice {
			t.Errorf("%s has %q twice", m.Name, label)
		}
		found[label] = v
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Value))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			put(p.Attributes, float64(p.Count))
		}
	default:
		t.Errorf("%s is a %T", m.Name, data)
	}
	return found
}

func (o *observed) want(metric string, want map[string]float64) {
	o.t.Helper()
	m, ok := o.collect()[metric]
	if !ok && len(want) == 0 {
		return
	}
	got := series(o.t, m)
	for label, v := range want {
		if got[label] != v {
			o.t.Errorf("%s{%s} is %v, want %v; all: %v", metric, label, got[label], v, got)
		}
	}
	if len(got) != len(want) {
		o.t.Errorf("%s: got %v, want %v", metric, got, want)
	}
}

// attributesOf returns the keys of a metric's attributes, and whether they are the
// same in all its series.
func attributesOf(m metricdata.Metrics) (keys []string) {
	note := func(with attribute.Set) {
		keys = nil
		for _, kv := range with.ToSlice() {
			keys = append(keys, string(kv.Key))
		}
		slices.Sort(keys)
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			note(p.Attributes)
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			note(p.Attributes)
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			note(p.Attributes)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			note(p.Attributes)
		}
	}
	return keys
}
