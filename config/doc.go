// Package config reads profiles: the policies of a system per environment,
// written as YAML files and overridden by environment variables.
//
//	profile, err := config.Load(config.Dir("configs"), "production", os.Environ())
//
// A profile is checked strictly, layer by layer, and every mistake is reported
// at once with its place. Every value remembers where it came from. The format
// is described in docs/profiles.md.
//
// What may stand in a profile is written down once, in definitions that the
// file checker, the environment, the defaults, the reference and the JSON Schema
// all read. One kind of protection is one file here (retry.go, ratelimit.go, ...).
package config
