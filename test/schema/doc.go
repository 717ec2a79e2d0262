// Package schema tests the JSON Schema of profiles with an independent
// validator. It is a module of its own, to keep the validator out of clad's.
package schema
