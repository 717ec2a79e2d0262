module github.com/cladgo/clad/container/cladpgx

// The lowest version with which the tests pass, of those without known holes.
go 1.25.0

replace github.com/cladgo/clad => ../..

require (
	github.com/cladgo/clad v0.1.0
	github.com/jackc/pgx/v5 v5.5.4
	github.com/jackc/puddle/v2 v2.2.2
	go.uber.org/goleak v1.3.0
)

require (
	github.com/agnivade/levenshtein v1.0.1 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/sony/gobreaker/v2 v2.2.0 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/dig v1.18.0 // indirect
	go.uber.org/fx v1.20.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	golang.org/x/crypto v0.27.0 // indirect
	golang.org/x/sync v0.8.0 // indirect
	golang.org/x/sys v0.25.0 // indirect
	golang.org/x/text v0.18.0 // indirect
	golang.org/x/time v0.10.0 // indirect
)
