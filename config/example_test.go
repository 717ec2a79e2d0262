package config_test

import (
	"fmt"
	"testing/fstest"

	"github.com/cladgo/clad/config"
)

func ExampleLoad() {
	fsys := fstest.MapFS{ // config.Dir("configs"), or an embed.FS
		"base.yaml": {Data: []byte(`
policies:
  database:
    timeout: 15s
    retry: 3
`)},
		"production.yaml": {Data: []byte(`
policies:
  database:
    attempt_timeout: 4s
`)},
	}
	environ := []string{"CLAD_PROFILE=production", "CLAD__POLICIES__DATABASE__RETRY__MAX_ATTEMPTS=5"} // os.Environ()

	profile, err := config.Load(fsys, "", environ)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(profile.Name(), profile.Catalog().Policies["database"])
	// Output:
	// production timeout(15s) > retry(5 attempts, exponential 100ms × 2 ≤ 30s ±50%) > timeout(4s)
}

// All mistakes are told at once.
func ExampleMistakes() {
	_, err := config.Load(fstest.MapFS{"production.yaml": {Data: []byte(`
policies:
  database:
    retyr: 3
    timeout: 5
    attempt_timeout: 1m
    circuit_breaker: payments
`)}}, "production", nil)
	fmt.Println(err)
	// Output:
	// production.yaml:4:5: policies.database.retyr: unknown key (did you mean "retry"?)
	// production.yaml:5:14: policies.database.timeout: 5 has no unit; write 5s, or with ms, m or h
	// production.yaml:7:22: policies.database.circuit_breaker: there is no circuit breaker "payments"; there are: none
}

func ExampleProfile_Origin() {
	profile, err := config.Load(fstest.MapFS{"production.yaml": {Data: []byte(`
policies:
  database: {retry: {max_attempts: 3}}
  audit: {extends: database, timeout: 5s}
`)}}, "production", []string{"CLAD__POLICIES__AUDIT__TIMEOUT=7s"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, path := range [][]string{
		{"policies", "audit", "timeout"},
		{"policies", "audit", "retry", "max_attempts"},
		{"policies", "audit", "retry", "max_elapsed"},
	} {
		origin, _ := profile.Origin(path...)
		fmt.Println(origin)
	}
	// Output:
	// environment variable CLAD__POLICIES__AUDIT__TIMEOUT
	// production.yaml:3:36
	// default
}
