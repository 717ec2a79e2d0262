// Package cladotel shows what clad does as metrics and traces of OpenTelemetry.
//
//	module.New(module.WithContainer(cladotel.Observe()))
//
// or, without Fx,
//
//	orchestrator, err := container.NewOrchestrator(catalog, cladotel.Observe())
//
// It takes the providers that the program has set with otel.SetMeterProvider and
// otel.SetTracerProvider, also if they are set later, unless [WithMeterProvider] and
// [WithTracerProvider] name others. The metrics are listed in docs/observing.md.
//
// Counters and states are read when somebody collects them, from what is counted
// anyway. What a call pays for is two durations, without an allocation, and a span
// where there is a tracer provider.
package cladotel
