module github.com/cladgo/clad/container/cladredis

// The lowest version with which the tests pass: before it nothing keeps the
// client from dialling again by itself.
go 1.25.0

replace github.com/cladgo/clad => ../..

require (
	github.com/cladgo/clad v0.1.0
	github.com/redis/go-redis/v9 v9.15.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/agnivade/levenshtein v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgryski/go-rendezvous v0.0.0-20200823014737-9f7001d12a5f // indirect
	github.com/sony/gobreaker/v2 v2.2.0 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/dig v1.18.0 // indirect
	go.uber.org/fx v1.20.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	golang.org/x/sys v0.38.0 // indirect
	golang.org/x/time v0.10.0 // indirect
)
