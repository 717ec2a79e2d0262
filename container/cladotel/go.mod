module github.com/cladgo/clad/container/cladotel

// Old versions, with which the tests pass; an application may have newer.
go 1.25.0

replace github.com/cladgo/clad => ../..

require (
	github.com/cladgo/clad v0.1.0
	go.opentelemetry.io/otel v1.32.0
	go.opentelemetry.io/otel/metric v1.32.0
	go.opentelemetry.io/otel/sdk v1.32.0
	go.opentelemetry.io/otel/sdk/metric v1.32.0
	go.opentelemetry.io/otel/trace v1.32.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/agnivade/levenshtein v1.0.1 // indirect
	github.com/go-logr/logr v1.4.2 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/sony/gobreaker/v2 v2.2.0 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/dig v1.18.0 // indirect
	go.uber.org/fx v1.20.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	golang.org/x/sys v0.27.0 // indirect
	golang.org/x/time v0.10.0 // indirect
)
