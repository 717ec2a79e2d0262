module github.com/cladgo/clad/test/fleet

go 1.26.0

replace (
	github.com/cladgo/clad => ../..
	github.com/cladgo/clad/container/cladredis => ../../container/cladredis
)

require (
	github.com/cladgo/clad v0.1.0
	github.com/cladgo/clad/container/cladredis v0.0.0-00010101000000-000000000000
	github.com/go-redis/redis_rate/v10 v10.0.1
	github.com/redis/go-redis/v9 v9.23.0
	github.com/sony/gobreaker/v2 v2.4.0
	github.com/throttled/throttled/v2 v2.15.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/agnivade/levenshtein v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	go.uber.org/dig v1.18.0 // indirect
	go.uber.org/fx v1.20.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/time v0.10.0 // indirect
)
