// The lowest versions with which the tests pass, so that whoever uses clad keeps
// what they have. `make newest` tries the highest.
module github.com/cladgo/clad

go 1.25.0

require (
	github.com/agnivade/levenshtein v1.0.1
	github.com/fsnotify/fsnotify v1.7.0
	github.com/knadh/koanf/maps v0.1.1
	github.com/knadh/koanf/v2 v2.0.1
	github.com/sony/gobreaker/v2 v2.2.0
	go.uber.org/dig v1.18.0
	go.uber.org/fx v1.20.0
	go.uber.org/goleak v1.3.0
	go.yaml.in/yaml/v3 v3.0.2
	golang.org/x/time v0.10.0
)

require (
	github.com/kr/text v0.2.0 // indirect
	github.com/mitchellh/copystructure v1.2.0 // indirect
	github.com/mitchellh/mapstructure v1.5.0 // indirect
	github.com/mitchellh/reflectwalk v1.0.2 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.23.0 // indirect
	golang.org/x/sys v0.4.0 // indirect
)
