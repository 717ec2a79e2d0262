package wiring

import (
	"net/http"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/cladotel"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.uber.org/fx"
)

// telemetry is what an application sets up once, whether or not it uses clad: here a
// meter provider that Prometheus reads. Cladotel takes it by one option.
type telemetry struct {
	meters *metric.MeterProvider
	scrape http.Handler
}

func newTelemetry() (telemetry, error) {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return telemetry{}, err
	}
	return telemetry{
		meters: metric.NewMeterProvider(metric.WithReader(exporter)),
		scrape: promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}),
	}, nil
}

func (t telemetry) observe() container.Option {
	return cladotel.Observe(cladotel.WithMeterProvider(t.meters))
}

func (t telemetry) stop(lc fx.Lifecycle) { lc.Append(fx.StopHook(t.meters.Shutdown)) }
