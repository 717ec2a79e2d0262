// The tool is a module of its own, so that golang.org/x/tools and what it needs
// are no requirements of those who only use the library.
module github.com/cladgo/clad/cmd/clad

go 1.25.0

require (
	github.com/cladgo/clad v0.1.0
	go.uber.org/fx v1.20.0
	go.uber.org/goleak v1.3.0
	golang.org/x/mod v0.22.0
	golang.org/x/term v0.27.0
	golang.org/x/tools v0.28.0
)

require (
	github.com/agnivade/levenshtein v1.0.1 // indirect
	github.com/knadh/koanf/maps v0.1.1 // indirect
	github.com/knadh/koanf/v2 v2.0.1 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/mapstructure v1.5.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	github.com/sony/gobreaker/v2 v2.2.0 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/dig v1.18.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	go.yaml.in/yaml/v3 v3.0.2 // indirect
	golang.org/x/sync v0.10.0 // indirect
	golang.org/x/sys v0.28.0 // indirect
	golang.org/x/time v0.10.0 // indirect
)

replace github.com/cladgo/clad => ../..
