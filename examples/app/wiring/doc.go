// Package wiring puts the parts of the payment service together. It is the only
// package that knows all parts and clad's container: none of the parts protects
// itself, and none of them protects the others.
package wiring

// Go can't make an implementation of an interface at run time, so each interface
// that a tagged constructor provides has a proxy, in clad_gen.go.
//
//go:generate go tool clad gen
