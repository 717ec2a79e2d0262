module github.com/cladgo/clad/container/cladgrpc

// The lowest versions with which the tests pass. Before 1.78 gRPC does not tell of
// calls that were never sent, which may be repeated.
go 1.25.0

replace github.com/cladgo/clad => ../..

require (
	github.com/cladgo/clad v0.1.0
	go.uber.org/goleak v1.3.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20251029180050-ab9386a59fda
	google.golang.org/grpc v1.78.0
	google.golang.org/protobuf v1.36.10
)

require (
	github.com/agnivade/levenshtein v1.0.1 // indirect
	github.com/sony/gobreaker/v2 v2.2.0 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/dig v1.18.0 // indirect
	go.uber.org/fx v1.20.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	golang.org/x/net v0.47.0 // indirect
	golang.org/x/sys v0.38.0 // indirect
	golang.org/x/text v0.31.0 // indirect
	golang.org/x/time v0.10.0 // indirect
)
